package door

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestCrowded: a school's line is long from when whoever comes is told more than two minutes,
// until nobody waits that long; other schools' lines are not, and the line of devices that
// nobody knows has no school. Staff's lines concern no pupil.
func TestCrowded(t *testing.T) {
	m := newMorning(20)
	m.door.Enrol(map[string]int{"large": 4000, "small": 200, "staffed": 4000})
	people := m.crowd(6000, 20*time.Second, func(i int) Who {
		switch {
		case i%100 == 0:
			return Who{Lane: Pupil, School: "small"}
		case i%3 == 0:
			return Who{Lane: Staff, School: "staffed"}
		case i%3 == 1:
			return Who{Lane: Unknown}
		}
		return Who{Lane: Family, School: "large"}
	})
	if got := m.door.Crowded(2 * time.Minute); len(got) > 0 {
		t.Errorf("nobody is there, and %v", got)
	}
	began := m.now
	m.live(people, 30*time.Second)
	long := map[string]time.Time{}
	for _, c := range m.door.Crowded(2 * time.Minute) {
		long[c.School] = c.Since
	}
	if _, ok := long["large"]; !ok || len(long) != 2 || long[""].IsZero() {
		t.Errorf("%v are long", long)
	}
	m.live(people, 3*time.Minute)
	for _, c := range m.door.Crowded(2 * time.Minute) {
		if c.School == "large" && (c.Since.Before(began) || c.Since.After(m.now.Add(-2*time.Minute))) {
			t.Errorf("whoever is next has waited since %v", c.Since.Sub(began))
		}
	}
	if len(m.door.Crowded(2*time.Minute)) == 0 {
		t.Error("people have waited for three minutes, and no line is long")
	}
	m.live(people, 20*time.Minute)
	if got := m.door.Crowded(2 * time.Minute); len(got) > 0 {
		t.Errorf("all are in, and %v", got)
	}
}

// TestEntry: what whoever waited can show is when they came and entered, at the very request
// that enters and at every later one, also when their seat is renewed. Who has not waited, who
// altered it, and who brings another installation's has nothing to show. Clocks that are put
// back make it no longer.
func TestEntry(t *testing.T) {
	for _, step := range []time.Duration{0, 10 * time.Second, -10 * time.Second} {
		m := newMorning(2)
		g := gateOf(t, m)
		var told []Entry
		g.waited = func(_ *http.Request, e Entry) { told = append(told, e) }
		var shown Entry
		has := false
		house := g.Around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shown, has = g.EntryOf(r)
			io.WriteString(w, "the house")
		}))
		get := func(jar map[string]string) bool {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for name, value := range jar {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			w := httptest.NewRecorder()
			house.ServeHTTP(w, r)
			for _, c := range w.Result().Cookies() {
				jar[c.Name] = c.Value
			}
			return w.Body.String() == "the house"
		}
		early := map[string]string{}
		if !get(early) || has || len(told) > 0 || !get(early) || has {
			t.Fatal("who entered as they came has waited")
		}
		for range 60 {
			m.door.Look("", "", Who{})
		}
		m.now = m.now.Add(Bucket) // in one bucket the order is by lot
		late := map[string]string{}
		came := m.now
		for i := range 600 {
			if get(late) {
				break
			}
			if m.now = m.now.Add(time.Second); i == 2 {
				m.now = m.now.Add(step)
			}
		}
		if !has || len(told) != 1 || told[0] != shown || !shown.Arrived.Equal(came) || shown.Entered.Sub(m.now).Abs() > 10*time.Second {
			t.Fatalf("step %v: it shows %v %+v at %v, came %v; told %+v", step, has, shown, m.now, came, told)
		}
		first := shown
		for range 4 {
			m.now = m.now.Add(6 * time.Minute) // the seat is renewed
			if !get(late) || !has || !shown.Entered.Equal(first.Entered) || !shown.Arrived.Equal(first.Arrived) || shown.Place != first.Place {
				t.Fatalf("later it shows %v %+v, and not %+v", has, shown, first)
			}
		}
		if len(told) != 1 {
			t.Errorf("it is told %d times", len(told))
		}
		seat := late[seatCookie]
		foreign := newKeys([]byte("another installation's own key..")).giveSeat(seatOf{id: 1, arrived: came, entered: m.now, seen: m.now})
		ticket := m.door.keys.giveTicket(ticketOf{id: 1, arrived: came})
		for _, value := range []string{foreign, ticket, "", seat[:len(seat)-1] + flipped(seat[len(seat)-1]), flipped(seat[0]) + seat[1:]} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(&http.Cookie{Name: seatCookie, Value: value})
			if e, ok := g.EntryOf(r); ok {
				t.Errorf("%q shows %+v", value, e)
			}
		}
	}
}

// TestNoWaitFromAClock: a clock that is put back while somebody waits proves no negative wait.
func TestNoWaitFromAClock(t *testing.T) {
	m := newMorning(1)
	for m.door.Waiting() < 3 {
		m.door.Look("", "", Who{})
	}
	v := m.door.Look("", "", Who{})
	m.door.budget = 5
	m.door.lines[lineKey{}].buckets = nil
	m.door.waiting.Store(0)
	m.now = m.now.Add(-29 * time.Second)
	for range 100 {
		if e := m.door.Look("", v.Ticket, Who{}); e.Enter {
			if e.Entry.Entered.Before(e.Entry.Arrived) {
				t.Error(fmt.Sprint("entered before they came: ", e.Entry))
			}
			return
		}
		m.now = m.now.Add(time.Second)
	}
	t.Fatal("nobody enters")
}
