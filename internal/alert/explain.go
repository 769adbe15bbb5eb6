package alert

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Actor is who did something, as a page names them.
type Actor struct {
	Name string
	Role page.Role
}

// Actors names accounts. Package app hands it over: accounts are above this package.
// Ids that are no account of the school are left out.
type Actors func(ctx context.Context, tx database.Tx, school string, accounts []string) (map[string]Actor, error)

// Question asks why a letter exists and what became of it.
type Question struct {
	School string
	Letter string // its id, or the reference that the family reads
	// Court: the asker may see court decisions (the head and the CPE). Without it the
	// story does not hold them at all, and gives no reason for whoever is not told.
	Court  bool
	Actors Actors // nil: accounts are shown by their id
}

// Story is everything that is recorded about one letter, in order.
type Story struct {
	School string
	Zone   *time.Location
	Letter courier.Letter
	Pupil  directory.Person
	To     directory.Person
	Links  []Link
}

// Link is one step of the chain from the finger on the screen to the telephone.
type Link struct {
	At     time.Time
	Tone   page.Tone
	What   Text
	Notes  []Text
	Asked  []Text  // of a decision: the guards' questions and their answers
	Words  string  // the letter's own, where this step wrote them
	Letter string  // another letter that the step leads to; empty: none
	Lines  []int64 // of the journal; none: the journal has no line of it
	// Unrecorded: the journal should have a line of this step and has none.
	Unrecorded bool
}

// Explain tells the whole story of a letter of a school: the mark, what was asked and
// decided, the hold, who may be told and who not, the letters, each attempt with its
// carrier's answer, what ended it, and the telephone. What cannot be found is said to
// be missing. ErrNotFound: the school has no such letter.
func Explain(ctx context.Context, tx database.Tx, q Question) (Story, error) {
	l, err := courier.ByReference(ctx, tx, q.School, q.Letter)
	if errors.Is(err, courier.ErrNotFound) {
		return Story{}, ErrNotFound
	}
	if err != nil {
		return Story{}, err
	}
	c := chain{q: q, tx: tx, letter: l}
	if err := c.read(ctx); err != nil {
		return Story{}, err
	}
	c.tell()
	slices.SortStableFunc(c.links, func(a, b Link) int { return a.At.Compare(b.At) })
	return Story{School: c.school.Name, Zone: c.school.zone, Letter: l, Pupil: c.people[l.Pupil], To: c.people[l.Person], Links: c.links}, nil
}

// chain is what is read for a Story.
type chain struct {
	q      Question
	tx     database.Tx
	letter courier.Letter
	school school

	vouched   bool
	row       letterRow
	episode   Episode
	marks     map[int64]attendance.Mark
	decisions []Decision
	sittings  map[string]timetable.Sitting
	letters   []courier.Letter // of the episode
	attempts  []courier.Attempt
	calls     []Call
	answers   []Answer
	lines     []line
	people    map[string]directory.Person
	actors    map[string]Actor
	kinship   map[string]string // by adult
	court     map[string]directory.Decision

	links []Link
}

// line is a line of the journal with its detail read.
type line struct {
	journal.Line
	detail map[string]string
}

// at is when the line was written.
func (l line) at() time.Time {
	t, _ := time.Parse(time.RFC3339Nano, l.At) // a line that cannot be read was altered: verify says so
	return t
}

func (c *chain) read(ctx context.Context) (err error) {
	if c.school, err = loadSchool(ctx, c.tx, c.q.School); err != nil {
		return err
	}
	c.row, err = letterByID(ctx, c.tx, c.q.School, c.letter.ID)
	switch {
	case errors.Is(err, ErrNotFound): // nobody answers for it
	case err != nil:
		return err
	default:
		c.vouched = true
		if err := c.readEpisode(ctx); err != nil {
			return err
		}
	}
	if c.attempts, err = courier.Attempts(ctx, c.tx, c.q.School, c.letter.ID); err != nil {
		return err
	}
	if err := c.readJournal(ctx); err != nil {
		return err
	}
	return c.readPeople(ctx)
}

func (c *chain) readEpisode(ctx context.Context) (err error) {
	id := c.q.School
	if c.episode, err = EpisodeByID(ctx, c.tx, id, c.row.Episode); err != nil {
		return err
	}
	if c.decisions, err = decisionsOf(ctx, c.tx, id, c.episode.ID); err != nil {
		return err
	}
	day, _, _ := strings.Cut(c.episode.HalfDay, "/")
	marks, err := attendance.OfPupil(ctx, c.tx, id, c.episode.Pupil, day)
	if err != nil {
		return err
	}
	c.marks = map[int64]attendance.Mark{}
	sittings := []string{c.episode.Sitting}
	for _, k := range marks {
		c.marks[k.N] = k
		sittings = append(sittings, k.Sitting)
	}
	if c.sittings, err = timetable.Some(ctx, c.tx, id, unique(sittings)); err != nil {
		return err
	}
	if c.letters, err = courier.About(ctx, c.tx, id, []string{c.episode.ID}); err != nil {
		return err
	}
	if c.calls, err = callsOf(ctx, c.tx, id, []string{c.episode.ID}); err != nil {
		return err
	}
	c.answers, err = answersOf(ctx, c.tx, id, c.episode.ID)
	return err
}

func (c *chain) readJournal(ctx context.Context) error {
	subjects := []string{c.letter.ID}
	for _, l := range c.letters {
		subjects = append(subjects, l.ID)
	}
	if c.vouched {
		subjects = append(subjects, c.episode.ID)
	}
	for s := range c.sittings {
		subjects = append(subjects, s)
	}
	lines, err := journal.Of(ctx, c.tx, c.q.School, unique(subjects)...)
	if err != nil {
		return err
	}
	for _, l := range lines {
		d := map[string]string{}
		// A detail that cannot be read was altered: verify says so, not this page.
		_ = json.Unmarshal([]byte(l.Detail), &d)
		c.lines = append(c.lines, line{l, d})
	}
	return nil
}

func (c *chain) readPeople(ctx context.Context) (err error) {
	ids := []string{c.letter.Pupil, c.letter.Person}
	var accounts []string
	for _, k := range c.marks {
		accounts = append(accounts, k.By)
	}
	for _, call := range c.calls {
		ids = append(ids, call.Adult)
		accounts = append(accounts, call.ClosedBy)
	}
	for _, l := range c.letters {
		ids = append(ids, l.Person)
	}
	for _, l := range c.lines {
		if p := l.detail["person"]; p != "" {
			ids = append(ids, p)
		}
	}
	if c.people, err = directory.People(ctx, c.tx, c.q.School, unique(append(ids, accounts...))); err != nil {
		return err
	}
	if c.q.Actors != nil {
		if c.actors, err = c.q.Actors(ctx, c.tx, c.q.School, unique(accounts)); err != nil {
			return err
		}
	}
	cases, err := directory.Cases(ctx, c.tx, c.q.School, []string{c.letter.Pupil})
	if err != nil {
		return err
	}
	c.kinship, c.court = map[string]string{}, map[string]directory.Decision{}
	for _, one := range cases {
		for _, l := range one.Links {
			c.kinship[l.Adult] = l.Kinship
		}
		if !c.q.Court {
			continue
		}
		for _, d := range one.Decisions {
			c.court[d.Adult] = d
		}
	}
	return nil
}

// find gives the numbers of the journal's lines that ok accepts.
func (c *chain) find(ok func(line) bool) []int64 {
	var out []int64
	for _, l := range c.lines {
		if ok(l) {
			out = append(out, l.Seq)
		}
	}
	return out
}

// rollLines finds the line of the saving that made a mark.
func (c *chain) rollLines(k attendance.Mark) []int64 {
	return c.find(func(l line) bool {
		from, to, ok := strings.Cut(l.detail["marks"], "-")
		a, err1 := strconv.ParseInt(from, 10, 64)
		b, err2 := strconv.ParseInt(to, 10, 64)
		return l.Act == "roll" && l.Subject == k.Sitting && ok && err1 == nil && err2 == nil && a <= k.N && k.N <= b
	})
}

// add puts a step into the story. A step that has no line in the journal says so.
func (c *chain) add(l Link) {
	l.Unrecorded = len(l.Lines) == 0
	c.links = append(c.links, l)
}

// whoDid names an account, or a person, in words.
func (c *chain) whoDid(id string) Text {
	if a, ok := c.actors[id]; ok {
		return Say("alert.explain.who", "name", a.Name, "role", Say("page.role."+string(a.Role)))
	}
	if p, ok := c.people[id]; ok {
		return Text{plain: p.FullName()}
	}
	return Say("alert.explain.account", "id", cmp.Or(id, "?"))
}

// whoIs names somebody around the pupil.
func (c *chain) whoIs(person string) Text {
	p, ok := c.people[person]
	switch {
	case !ok:
		return Say("alert.explain.gone", "id", person)
	case person == c.letter.Pupil:
		return Say("alert.explain.self", "name", p.FullName())
	}
	return Say("alert.explain.who", "name", p.FullName(), "role", kinship(c.kinship[person]))
}

// WriteExplain writes a story as plain text: what the command explain prints. The
// language is one of page.Languages.
func WriteExplain(ctx context.Context, w io.Writer, words *page.Words, lang string, s Story) error {
	ctx = page.In(ctx, &page.Site{Words: words, Zone: s.Zone}, lang)
	var b strings.Builder
	out := func(indent, text string) {
		for one := range strings.Lines(page.Plain(text)) {
			b.WriteString(strings.TrimRight(indent+strings.TrimRight(one, "\n"), " ") + "\n")
		}
	}
	out("", page.T(ctx, "alert.explain.text.head", "code", s.Letter.Code, "to", s.To.FullName(), "pupil", s.Pupil.FullName()))
	out("", page.T(ctx, "alert.explain.text.school", "school", s.School, "zone", s.Zone.String()))
	day := ""
	for _, l := range s.Links {
		if d := page.Capital(page.Date(ctx, l.At)) + " " + strconv.Itoa(l.At.In(s.Zone).Year()); d != day {
			day = d
			out("", "\n"+d)
		}
		out("", l.At.In(s.Zone).Format("15:04:05")+"  "+l.What.In(ctx))
		for _, n := range slices.Concat(l.Notes, l.Asked) {
			out("          - ", n.In(ctx))
		}
		if l.Words != "" {
			out("          | ", l.Words)
		}
		if l.Letter != "" {
			out("          ", page.T(ctx, "alert.explain.text.other", "letter", l.Letter))
		}
		switch {
		case l.Unrecorded:
			out("          ! ", page.T(ctx, "alert.explain.unrecorded"))
		case len(l.Lines) > 0:
			out("          ", page.T(ctx, "alert.explain.text.lines", "n", len(l.Lines), "lines", numbers(l.Lines)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
