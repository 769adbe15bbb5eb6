package door

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNobodyOvertakesButWithTheirClass: whatever classes begin and when, whoever came more than
// ten seconds later is behind, within a lane and school, unless their teacher is inside; and of
// a class no more than a class go ahead, however often a browser's memory of it was copied.
func TestNobodyOvertakesButWithTheirClass(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMorning(float64(rapid.IntRange(4, 40).Draw(rt, "rate")))
		classes := rapid.IntRange(1, 12).Draw(rt, "classes")
		copied := rapid.Bool().Draw(rt, "copied") // a third of all claim to be of the first class
		people := m.crowd(rapid.IntRange(100, 500).Draw(rt, "people"), time.Duration(rapid.IntRange(5, 40).Draw(rt, "seconds"))*time.Second, func(i int) Who {
			who := Who{Lane: Pupil, School: fmt.Sprint("s", i%2)}
			if n := i % (2 * classes); copied && i%3 == 0 {
				who.Class = "c0"
			} else if n < classes {
				who.Class = fmt.Sprint("c", n)
			}
			return who
		})
		begins := map[int][]string{} // by second
		begun := map[string]time.Time{}
		for c := range classes {
			if at := rapid.IntRange(-1, 60).Draw(rt, fmt.Sprint("c", c)); at >= 0 {
				begins[at] = append(begins[at], fmt.Sprint("c", c))
			}
		}
		for second := range 20 * 60 {
			m.door.Begin(begins[second])
			for _, c := range begins[second] {
				begun[c] = m.now
			}
			m.live(people, time.Second)
			if !slices.ContainsFunc(people, func(p *person) bool { return p.entered.IsZero() }) {
				break
			}
		}
		ahead := map[string]int{}
		for _, p := range people {
			if p.entered.IsZero() {
				rt.Fatalf("somebody is still outside: %+v", p)
			}
			// Did they pass somebody who came long before them?
			passed := false
			for _, o := range people {
				if o.who.Lane == p.who.Lane && o.who.School == p.who.School && p.arrived.Sub(o.arrived) > 10*time.Second && p.entered.Before(o.entered) {
					passed = true
					break
				}
			}
			if !passed {
				continue
			}
			if at, ok := begun[p.who.Class]; !ok || p.entered.Before(at) {
				rt.Fatalf("%+v overtook, and their teacher is not inside", p.who)
			}
			ahead[p.who.Class]++
		}
		for class, n := range ahead {
			if n > largest {
				rt.Fatalf("%d went ahead with class %s", n, class)
			}
		}
	})
}

// TestAClassIsNoLargerThanAClass: four hundred who show the same browser's memory of a class, and
// whose teacher is inside, gain no more than a class; the others wait for their own turn.
func TestAClassIsNoLargerThanAClass(t *testing.T) {
	m := newMorning(10)
	first := m.crowd(1500, 10*time.Second, func(int) Who { return Who{Lane: Pupil, School: "s"} })
	m.live(first, 20*time.Second)
	copies := m.crowd(400, 5*time.Second, func(int) Who { return Who{Lane: Pupil, School: "s", Class: "c"} })
	people := slices.Concat(first, copies)
	m.live(people, 6*time.Second)
	m.door.Begin([]string{"c"})
	m.live(people, 10*time.Minute)
	var last time.Time // of those who came first
	for _, p := range first {
		if p.entered.After(last) {
			last = p.entered
		}
	}
	ahead := 0
	for _, p := range copies {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
		if p.entered.Before(last.Add(-10 * time.Second)) {
			ahead++
		}
	}
	if ahead < 30 || ahead > largest {
		t.Errorf("%d of 400 went ahead with their class", ahead)
	}
}
