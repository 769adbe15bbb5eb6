package door

import (
	"testing"
	"time"
)

// TestAnnouncedWhileTheRateSwings: fifteen thousand come in five minutes to a machine that now
// and then has something else to do. The rate goes up and down with the passwords that wait;
// what people are told does not.
func TestAnnouncedWhileTheRateSwings(t *testing.T) {
	m := &morning{now: time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)}
	waiting, served := 0.0, 0.0 // passwords, and how many a second are checked
	m.door = New(Config{Key: theKey, Now: func() time.Time { return m.now }, Cores: 1,
		Load: func() Load { return Load{Passwords: time.Duration(waiting / served * float64(time.Second))} }})
	people := m.crowd(15_000, 5*time.Minute, func(int) Who { return Who{} })
	const each = 100 * time.Millisecond
	for i := range 13 * 60 * 10 {
		in := 0.0
		for _, p := range people {
			if p.entered.IsZero() && !m.now.Before(p.arrived) && !m.now.Before(p.next) {
				if m.look(p); !p.entered.IsZero() {
					in++
				}
			}
		}
		served = 34 - 7*float64(m.door.Waiting())/6000 // those who wait look, and that is work
		if i%300 < 60 {
			served *= 0.65 // for six of thirty seconds
		}
		waiting = max(0, waiting+in-served*each.Seconds())
		m.now = m.now.Add(each)
	}
	for _, p := range people {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
	}
	if right := wellTold(people); right < 0.95 {
		t.Errorf("%.1f %% of the people were told the right time", 100*right)
	}
}
