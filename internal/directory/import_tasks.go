package directory

import (
	"slices"

	"github.com/preau-ent/preau/internal/database"
)

// ask has the office look at a person: the file says otherwise than somebody did or
// made sure of by hand. Both stay until then.
func (im *importing) ask(kind, person string) {
	if one := [2]string{kind, person}; !slices.Contains(im.asks, one) {
		im.asks = append(im.asks, one)
	}
}

// tasks opens the tasks that this import asked for and that are not open already.
func (im *importing) tasks() {
	if len(im.asks) == 0 {
		return
	}
	open := slices.DeleteFunc(rowsOf[Task](im.have), func(t Task) bool { return !t.ClosedAt.IsZero() })
	slices.SortFunc(im.asks, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var add []Task
	for _, a := range im.asks {
		if !slices.ContainsFunc(open, func(t Task) bool { return t.Kind == a[0] && t.Person == a[1] }) {
			add = append(add, Task{School: im.school, ID: database.NewID(), Kind: a[0], Person: a[1], OpenedAt: im.now})
		}
	}
	addRows(im, add)
}

// sameNumbers asks the office about adults whose number is the pupil's own: it is not
// used until somebody verified it.
func (im *importing) sameNumbers() {
	points := map[string][]inPoint{}
	for _, p := range im.in.people {
		if p.kind != KindStaff {
			points[string(p.kind)+" "+p.key] = p.points
		}
	}
	var doubtful []string
	for _, l := range im.in.links {
		own := points[string(KindPupil)+" "+l.pupil]
		for _, pt := range points[string(KindAdult)+" "+l.adult] {
			if slices.ContainsFunc(own, func(o inPoint) bool { return o.address == pt.address }) {
				doubtful = append(doubtful, im.id(KindAdult, l.adult))
			}
		}
	}
	if len(doubtful) == 0 {
		return
	}
	asked := map[string]bool{}
	for _, t := range rowsOf[Task](im.have) {
		asked[t.Person] = asked[t.Person] || t.Kind == TaskSameNumber
	}
	slices.Sort(doubtful)
	var add []Task
	for _, person := range slices.Compact(doubtful) {
		if !asked[person] {
			add = append(add, Task{School: im.school, ID: database.NewID(), Kind: TaskSameNumber, Person: person, OpenedAt: im.now})
		}
	}
	addRows(im, add)
}

// doubts asks the office about links that the source only hints at. Each is asked once.
func (im *importing) doubts() {
	if len(im.in.doubts) == 0 {
		return
	}
	asked := map[[2]string]bool{}
	for _, t := range rowsOf[Task](im.have) {
		if t.Kind == TaskDoubtfulLink {
			asked[[2]string{t.Person, t.Detail}] = true
		}
	}
	var add []Task
	for _, d := range im.in.doubts {
		k := [2]string{im.id(KindPupil, d.pupil), d.detail}
		if k[0] == "" || asked[k] {
			continue
		}
		asked[k] = true
		add = append(add, Task{School: im.school, ID: database.NewID(), Kind: TaskDoubtfulLink, Person: k[0], Detail: d.detail, OpenedAt: im.now})
	}
	addRows(im, add)
}

// voiceOrMail: a number that takes SMS and one that does not are corrected by one
// another, a mail address by another one.
func voiceOrMail(c Channel) string {
	if c == Email {
		return "mail"
	}
	return "voice"
}
