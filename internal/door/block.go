package door

import "time"

// A class is no class with ten of its thirty: when its teacher is inside, those of its pupils
// who wait enter together, at their next look. Their places are set aside at once and paid
// back out of the share of those who have a lesson, and the next class begins when they are.

// class is one whose pupils wait, or whose teacher is inside.
type class struct {
	given  float64 // tickets of its pupils
	alive  looks   // of them
	begun  time.Time
	asked  bool // its teacher is inside
	opened time.Time
	kept   float64 // places set aside
	let    int     // let in with it since its teacher came
}

// How long a class that was let in lets in its late pupils, and how long a place is set aside.
const (
	lesson = 20 * time.Minute
	aside  = 3 * longest
	// largest is how many enter with one class at most: a place with a class may come from what
	// a browser remembers, and that can be copied.
	largest = 45
)

// Begin says that the teachers of some classes are inside: whoever of their pupils waits is
// let in together.
func (d *Door) Begin(classes []string) {
	if len(classes) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for _, id := range classes {
		if d.begin(hashOf(id), now) {
			d.begunLately.add(uint64(hashOf(id)), now)
		}
	}
}

func (d *Door) begin(id uint32, now time.Time) (first bool) {
	c := d.class(id)
	if c.asked && now.Sub(c.begun) <= lesson {
		return false
	}
	c.asked, c.begun, c.opened, c.let = true, now, time.Time{}, 0
	d.asked = append(d.asked, id)
	return true
}

func (d *Door) class(id uint32) *class {
	c := d.classes[id]
	if c == nil {
		c = &class{}
		d.classes[id] = c
	}
	return c
}

// openBlocks lets in the classes whose turn it is: in the order in which their teachers came.
func (d *Door) openBlocks(now time.Time) {
	for id, c := range d.classes {
		if c.kept > 0 && now.Sub(c.opened) > aside {
			d.debt, c.kept = max(0, d.debt-c.kept), 0 // who has not come by now is gone
		}
		if c.alive.people(d.over) < 0.05 && (!c.asked || now.Sub(c.begun) > lesson) {
			delete(d.classes, id)
		}
	}
	for len(d.asked) > 0 && d.debt < 1 {
		c := d.classes[d.asked[0]]
		d.asked = d.asked[1:]
		if c != nil && c.opened.IsZero() {
			d.open(c, now)
		}
	}
}

// open lets in a class, and sets its places aside.
func (d *Door) open(c *class, now time.Time) {
	c.opened, c.kept = now, min(c.alive.people(d.over), largest)
	d.debt += c.kept
}

// enters notes that a pupil's own turn came: where their teacher is inside, the class comes
// with them.
func (d *Door) enters(id uint32, now time.Time) {
	c := d.classes[id]
	if id == 0 || c == nil {
		return
	}
	c.alive.join(-d.looking(), d.over)
	if c.asked && c.opened.IsZero() && d.debt < d.mostDebt() {
		d.open(c, now)
	}
}

// withClass tells whether somebody enters with their class, and takes their place.
func (d *Door) withClass(id uint32, now time.Time) bool {
	c := d.classes[id]
	if id == 0 || c == nil || c.opened.IsZero() || now.Sub(c.opened) > lesson || c.let >= largest {
		return false
	}
	switch {
	case c.kept >= 1:
		c.kept--
	case d.debt < d.mostDebt():
		d.debt++
	default:
		return false
	}
	c.let++
	c.alive.join(-d.looking(), d.over)
	return true
}

// mostDebt bounds what is given ahead: a few seconds' places.
func (d *Door) mostDebt() float64 { return 10 * d.rate }
