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
func (im *importing) tasks() error {
	if len(im.asks) == 0 {
		return nil
	}
	open, err := OpenTasks(im.ctx, im.tx, im.school)
	if err != nil {
		return err
	}
	slices.SortFunc(im.asks, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var add []Task
	for _, a := range im.asks {
		if !slices.ContainsFunc(open, func(t Task) bool { return t.Kind == a[0] && t.Person == a[1] }) {
			add = append(add, Task{School: im.school, ID: database.NewID(), Kind: a[0], Person: a[1], OpenedAt: im.now})
		}
	}
	return addRows(im, add)
}

// voiceOrMail: a number that takes SMS and one that does not are corrected by one
// another, a mail address by another one.
func voiceOrMail(c Channel) string {
	if c == Email {
		return "mail"
	}
	return "voice"
}
