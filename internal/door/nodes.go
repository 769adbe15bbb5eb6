package door

import (
	"encoding/json"
	"errors"
	"time"
)

// Several nodes share one line. Each counts the tickets that it gives and the looks that it
// sees, and tells the others once a second; places and times are computed from the sums. One
// of them, the first by name of those that are heard, calls; the others follow. Each lets in
// at its own rate whoever looks at it. A node that hears nobody goes on alone with the people
// who look at it: nobody is shut out, and nobody is let in who was not called.

// others is what the other nodes said of a line.
type others struct {
	first  int64
	given  []float64 // from first on
	alive  []float64
	called float64
	share  float64
	lead   bool // one of them calls
}

// at is how many tickets the others gave in a bucket, and how many of those not called look.
func (o *others) at(b int64) (given, alive float64) {
	if i := b - o.first; i >= 0 && i < int64(len(o.given)) {
		return o.given[i], o.alive[i]
	}
	return 0, 0
}

// nodeLine is a line as a node tells it.
type nodeLine struct {
	kept
	Share float64 `json:"share"`
}

// nodeState is what a node tells the others.
type nodeState struct {
	Lines   []nodeLine `json:"lines"`
	Spent   []uint64   `json:"spent"`   // tickets that entered lately
	Classes []uint32   `json:"classes"` // whose teachers came lately
}

// How long a node is heard after it last spoke, and what of the last seconds it repeats.
const (
	heardFor = 5 * time.Second
	lately   = 10 * time.Second
)

// mostLately bounds what a node repeats.
const mostLately = 4096

// recent keeps what happened lately.
type recent struct {
	ids []uint64
	at  []time.Time
}

func (r *recent) add(id uint64, now time.Time) {
	r.ids, r.at = append(r.ids, id), append(r.at, now)
	if len(r.ids) > mostLately {
		r.ids, r.at = r.ids[1:], r.at[1:]
	}
}

func (r *recent) since(from time.Time) []uint64 {
	i := 0
	for i < len(r.at) && r.at[i].Before(from) {
		i++
	}
	r.ids, r.at = r.ids[i:], r.at[i:]
	return r.ids
}

// Tell gives what this node tells the others.
func (d *Door) Tell() ([]byte, error) {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance(now)
	var s nodeState
	for key, l := range d.lines {
		if one := l.keep(key); l.waiting() > 0.05 || l.others.called > 0 {
			s.Lines = append(s.Lines, nodeLine{one, l.share})
		}
	}
	s.Spent = d.spentLately.since(now.Add(-lately))
	for _, id := range d.begunLately.since(now.Add(-lately)) {
		s.Classes = append(s.Classes, uint32(id))
	}
	return json.Marshal(s)
}

// Hear takes what the other nodes told; lead says that one of them comes before this one and
// calls for all. Whatever is not in it is forgotten.
func (d *Door) Hear(told [][]byte, lead bool) error {
	var bad error
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.latest
	for _, l := range d.lines {
		l.others = others{lead: false}
	}
	for _, b := range told {
		var s nodeState
		if err := json.Unmarshal(b, &s); err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		for _, one := range s.Lines {
			if one.Lane < lanes && len(one.Given) == len(one.Alive) && len(one.Given) <= int(maxKept/Bucket) {
				d.hearLine(one, lead, now)
			}
		}
		for _, id := range s.Spent {
			if !d.spent.has(id) {
				d.spent.add(id)
			}
		}
		for _, id := range s.Classes {
			d.begin(id, now)
		}
	}
	return bad
}

func (d *Door) hearLine(one nodeLine, lead bool, now time.Time) {
	key := lineKey{one.Lane, one.School}
	l := d.lines[key]
	if l == nil {
		l = d.lineOf(key)
		l.first = one.First
		l.reach(max(one.First, bucketOf(now)))
	}
	l.callTo(one.First, one.Part)
	o := &l.others
	o.lead, o.called, o.share = lead, o.called+max(0, one.Called), o.share+max(0, one.Share)
	if o.given == nil {
		o.first = one.First
	}
	if before := o.first - one.First; before > 0 {
		if before > int64(maxKept/Bucket) {
			return
		}
		o.given, o.alive = append(make([]float64, before), o.given...), append(make([]float64, before), o.alive...)
		o.first = one.First
	}
	for i := range one.Given {
		at := one.First + int64(i) - o.first
		if at > int64(maxKept/Bucket) {
			return
		}
		for int64(len(o.given)) <= at {
			o.given, o.alive = append(o.given, 0), append(o.alive, 0)
		}
		o.given[at] += max(0, one.Given[i])
		o.alive[at] += max(0, one.Alive[i])
	}
}
