package door

import (
	"context"
	"math"
	"testing"
	"time"
)

// TestFigures: what the door tells of a wave agrees with what the people of it lived.
func TestFigures(t *testing.T) {
	m := newMorning(40)
	people := m.crowd(3000, 60*time.Second, func(i int) Who { return Who{Lane: Pupil, School: []string{"one", "two", "three"}[i%3]} })
	m.live(people, 40*time.Second)
	f := m.door.Figures()
	came, inside := 0, 0
	for _, p := range people {
		if !p.arrived.After(m.now) {
			came++
		}
		if !p.entered.IsZero() {
			inside++
		}
	}
	if f.Admitted != int64(inside) || math.Abs(float64(f.Waiting-(came-inside))) > float64(came)/50 {
		t.Errorf("%d admitted and %d waiting, of %d who came and %d inside", f.Admitted, f.Waiting, came, inside)
	}
	if f.From <= 0 || f.Until <= f.From {
		t.Errorf("those in line will wait %v to %v", f.From, f.Until)
	}
	m.live(people, 20*time.Minute)
	m.now = m.now.Add(20 * time.Second) // how many wait is known from looks, and forgotten with them
	f = m.door.Figures()
	sum, worst := time.Duration(0), time.Duration(0)
	for _, p := range people {
		w := p.entered.Sub(p.arrived)
		sum, worst = sum+w, max(worst, w)
	}
	var pupils LaneFigures
	for _, l := range f.Lanes {
		if l.Name == "pupil" {
			pupils = l
		} else if l.Admitted != 0 || l.Waits.N != 0 {
			t.Errorf("nobody came in lane %s: %+v", l.Name, l)
		}
	}
	near := func(a, b time.Duration) bool { return (a - b).Abs() < time.Second }
	if pupils.Waits.N != 3000 || !near(pupils.Waits.Worst, worst) || !near(pupils.Waits.Sum/3000, sum/3000) {
		t.Errorf("%+v; the longest was %v, the mean %v", pupils.Waits, worst, sum/3000)
	}
	if last := len(pupils.Waits.Upto) - 1; pupils.Waits.Upto[last] != 3000 || pupils.Waits.Upto[0] == 3000 {
		t.Errorf("%v", pupils.Waits.Upto)
	}
	if f.Followed < 300 || f.Looks < 2*f.Followed {
		t.Errorf("%d followed, %d looks", f.Followed, f.Looks)
	}
	if right := float64(f.AnnouncedRight) / float64(f.Announced.N); right < 0.7 {
		t.Errorf("the announced time was right for %.2f", right)
	}
	if f.WorstInversion > 10*time.Second || f.Inversions != 0 {
		t.Errorf("%d overtaken, by %v at most", f.Inversions, f.WorstInversion)
	}
	if f.FairnessSchools != 3 || f.Fairness < 0.99 {
		t.Errorf("fairness %v of %d schools", f.Fairness, f.FairnessSchools)
	}
	if f.Waiting != 0 || f.From != 0 || f.Until != 0 {
		t.Errorf("nobody waits any more: %+v", f)
	}
}

// TestFollowed: a hundred thousand who never look again take a fixed room, and leave it.
func TestFollowed(t *testing.T) {
	m := newMorning(1)
	for range 100_000 {
		m.door.Look("", "", Who{Lane: Family})
	}
	if n := len(m.door.watched.followed); n > mostFollowed || n < mostFollowed/8 {
		t.Errorf("%d are followed", n)
	}
	m.now = m.now.Add(10 * time.Minute)
	m.door.Figures()
	if n := len(m.door.watched.followed); n != 0 {
		t.Errorf("%d who are gone are followed", n)
	}
}

// TestInversionIsSeen plants one: somebody who looks when told enters after one who came
// much later.
func TestInversionIsSeen(t *testing.T) {
	var w watched
	now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	first := ticketOf{lane: Pupil, school: 1, id: 1 << 20, arrived: now}
	late := ticketOf{lane: Pupil, school: 1, id: 3 << 20, arrived: now}
	w.gave(first, Wait{From: time.Minute, Until: time.Minute, Next: 40 * time.Second}, now)
	w.gave(late, Wait{From: time.Minute, Until: time.Minute, Next: 5 * time.Second}, now)
	then := now.Add(40 * time.Second)
	w.entered(ticketOf{lane: Pupil, school: 1, id: 2 << 20, arrived: now.Add(15 * time.Second)}, then)
	w.entered(first, then)
	if w.worst != 15*time.Second || w.inverted != 1 {
		t.Errorf("%d overtaken, by %v", w.inverted, w.worst)
	}
	w.entered(late, then)
	if w.inverted != 1 {
		t.Error("who looked late is called overtaken")
	}
	if w.announced.N != 1 || w.right != 1 || w.announced.Worst != 20*time.Second {
		t.Errorf("%+v", w.announced)
	}
}

// TestUnfairIsSeen: a school of which nobody enters shows.
func TestUnfairIsSeen(t *testing.T) {
	m := newMorning(1)
	m.door.lines[lineKey{Pupil, 1}] = &line{entered: 100}
	m.door.lines[lineKey{Pupil, 2}] = &line{entered: 10, called: looks{before: 90}}
	m.door.lines[lineKey{Staff, 2}] = &line{called: looks{before: 5}} // too few to say
	if jain, schools := m.door.fairness(); schools != 2 || jain > 0.61 || jain < 0.59 {
		t.Errorf("%v of %d schools", jain, schools)
	}
}

// TestLimiterFigures: who works, who waits and for how long, and who left.
func TestLimiterFigures(t *testing.T) {
	now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	l := NewLimiter(1, func() time.Time { return now })
	leave, err := l.Enter(t.Context(), Vital)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Enter(gone, Usual); err == nil {
		t.Fatal("somebody who is gone got a worker")
	}
	f := l.Figures()
	if f.Working != 1 || f.Waiting != 0 || f.Left != [2]int64{0, 1} || f.Waits[0].N != 1 || f.Waits[1].N != 1 {
		t.Errorf("%+v", f)
	}
	l.waiting[Usual] = append(l.waiting[Usual], &turn{since: now.Add(-3 * time.Second), open: make(chan struct{})})
	if f := l.Figures(); f.Waiting != 1 || f.P90 != 3*time.Second {
		t.Errorf("one waits for 3 s: %+v", f)
	}
	leave()
	now = now.Add(time.Minute)
	if f := l.Figures(); f.P90 != 0 || f.Waiting != 0 || f.Working != 1 {
		t.Errorf("a minute later: %+v", f)
	}
}
