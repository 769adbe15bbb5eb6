package door

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// nodes are doors of one installation, that tell one another once a second.
type nodes struct {
	*morning
	doors []*Door
	told  time.Time
}

func newNodes(n int, rate float64) *nodes {
	m := &nodes{morning: newMorning(rate)}
	for range n {
		m.doors = append(m.doors, New(Config{Key: theKey, Now: func() time.Time { return m.now }, Rate: rate}))
	}
	return m
}

func (m *nodes) tell(t *testing.T) {
	if m.now.Sub(m.told) < time.Second {
		return
	}
	m.told = m.now
	var all [][]byte
	for _, d := range m.doors {
		b, err := d.Tell()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	for i, d := range m.doors {
		var others [][]byte
		for j, b := range all {
			if i != j {
				others = append(others, b)
			}
		}
		if err := d.Hear(others, i > 0); err != nil {
			t.Fatal(err)
		}
	}
}

// live lets everybody look on time at the node that at gives, and gives when the last entered.
func (m *nodes) live(t *testing.T, people []*person, until time.Duration, at func(i int) int) (last time.Time) {
	for end := m.now.Add(until); m.now.Before(end); m.now = m.now.Add(100 * time.Millisecond) {
		m.tell(t)
		inside := 0
		for i, p := range people {
			if !p.entered.IsZero() {
				inside++
			} else if !m.now.Before(p.arrived) && !m.now.Before(p.next) {
				if m.door = m.doors[at(i)]; true {
					m.look(p)
				}
				if p.entered.After(last) {
					last = p.entered
				}
			}
		}
		if inside == len(people) {
			return last
		}
	}
	t.Fatal("somebody is still outside")
	return last
}

// TestNodesShareOneLine: whoever looks now here, now there, or always at one of them, enters in
// the order of their coming, and as many a second enter as all nodes let in.
func TestNodesShareOneLine(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, at := range map[string]func(int) int{
		"anywhere":      func(int) int { return r.IntN(3) },
		"at one":        func(i int) int { return i % 3 },
		"most at one":   func(i int) int { return max(0, i%6-3) },
		"only at one":   func(int) int { return 2 },
		"only at first": func(int) int { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			m := newNodes(3, 20)
			people := m.crowd(8000, 80*time.Second, func(i int) Who { return Who{Lane: Pupil, School: fmt.Sprint(i % 2)} })
			began := m.now
			took := m.live(t, people, 20*time.Minute, at).Sub(began)
			fair := 8000 * time.Second / 60
			if name == "only at one" || name == "only at first" {
				fair *= 3
			}
			if name == "most at one" {
				fair *= 2
			}
			if took < fair*8/10 || took > fair*5/4+10*time.Second {
				t.Errorf("it took %v, and %v would be fair", took, fair)
			}
			if right := wellTold(people); right < 0.9 && name == "anywhere" {
				t.Errorf("the time announced was right for %.2f of them", right)
			}
			if worst := inversion(people); worst > 11*time.Second && name != "most at one" {
				t.Errorf("somebody was overtaken by %v", worst)
			}
		})
	}
}

// TestANodeIsLost: the others go on with its people, and the one that called is replaced.
func TestANodeIsLost(t *testing.T) {
	m := newNodes(3, 20)
	people := m.crowd(3000, 30*time.Second, func(int) Who { return Who{Lane: Pupil, School: "s"} })
	for end := m.now.Add(40 * time.Second); m.now.Before(end); m.now = m.now.Add(100 * time.Millisecond) {
		m.tell(t)
		for i, p := range people {
			if p.entered.IsZero() && !m.now.Before(p.arrived) && !m.now.Before(p.next) {
				m.door = m.doors[i%3]
				m.look(p)
			}
		}
	}
	m.doors = m.doors[1:]
	r := rand.New(rand.NewPCG(3, 4))
	began := m.now
	left := 0
	for _, p := range people {
		if p.entered.IsZero() {
			left++
		}
	}
	took := m.live(t, people, 10*time.Minute, func(int) int { return r.IntN(2) }).Sub(began)
	if fair := time.Duration(left) * time.Second / 40; took > fair*5/4+15*time.Second {
		t.Errorf("%d people at 40 a second took %v", left, took)
	}
	if worst := inversion(people); worst > 11*time.Second {
		t.Errorf("somebody was overtaken by %v", worst)
	}
}

// TestATicketEntersOneNode: what was spent at one node is soon spent at all.
func TestATicketEntersOneNode(t *testing.T) {
	m := newNodes(2, 1)
	var p person
	for p.ticket == "" {
		p.ticket = m.doors[0].Look("", "", Who{Lane: Pupil}).Ticket
	}
	for range 100 {
		m.now = m.now.Add(time.Second)
		m.tell(t)
		if v := m.doors[0].Look("", p.ticket, Who{Lane: Pupil}); v.Enter {
			m.now = m.now.Add(time.Second)
			m.tell(t)
			was := m.doors[1].figures.refused.Load()
			m.doors[1].Look("", p.ticket, Who{Lane: Pupil})
			if m.doors[1].figures.refused.Load() != was+1 {
				t.Error("a ticket is spent at two nodes")
			}
			return
		}
	}
	t.Fatal("nobody got in")
}
