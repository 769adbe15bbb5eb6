package drill

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
)

// book is who may hear about whom. It is worked out here from the school's rows, and not
// asked of the program that is judged: a mistake of its directory would be the drill's, too.
type book struct {
	town   fictional.Town
	zone   *time.Location
	day    string // on which people are of age or not
	pupils []string
	people map[string]directory.Person
	points map[string][]directory.ContactPoint // by person
	links  map[string][]directory.Link         // by pupil
}

func newBook(t fictional.Town, zone *time.Location) *book {
	b := &book{town: t, zone: zone, day: t.Tuesday.In(zone).Format(time.DateOnly), people: map[string]directory.Person{}, points: map[string][]directory.ContactPoint{}, links: map[string][]directory.Link{}}
	for _, p := range t.Rows.People {
		b.people[p.ID] = p
		if p.Kind == directory.KindPupil {
			b.pupils = append(b.pupils, p.ID)
		}
	}
	slices.Sort(b.pupils)
	for _, c := range t.Rows.Contacts {
		b.points[c.Person] = append(b.points[c.Person], c)
	}
	for _, l := range t.Rows.Links {
		b.links[l.Pupil] = append(b.links[l.Pupil], l)
	}
	return b
}

// entitled is a person who is to hear about a pupil, and each address where: "sms
// +33639980412". Whoever has none is to be telephoned.
type entitled struct {
	person string
	at     []string
}

// of says who is to hear about a pupil: legal representatives, and carers and contacts who
// were chosen for the pupil, but nobody whom a court denies it; the pupil from the eighteenth
// birthday on, and then nobody else where the pupil objected.
func (b *book) of(pupil string) (out []entitled) {
	born, err := time.Parse(time.DateOnly, b.people[pupil].Born)
	ofAge := err == nil && born.AddDate(18, 0, 0).Format(time.DateOnly) <= b.day
	if ofAge {
		out = append(out, entitled{pupil, b.reach(pupil, pupil, "")})
	}
	objects := ofAge && slices.ContainsFunc(b.town.Rows.Objections, func(o directory.Objection) bool { return o.Pupil == pupil })
	for _, l := range b.links[pupil] {
		denied := slices.ContainsFunc(b.town.Rows.Decisions, func(d directory.Decision) bool { return d.Pupil == pupil && d.Adult == l.Adult })
		if !denied && !objects && (l.Level == directory.Legal || !l.ChosenAt.IsZero()) {
			out = append(out, entitled{l.Adult, b.reach(l.Adult, pupil, l.SMSConsent)})
		}
	}
	return out
}

// reach lists where somebody reads messages about a pupil: not on a number that is the
// pupil's own, and not by SMS when they said no.
func (b *book) reach(person, pupil string, consent directory.Consent) (at []string) {
	for _, c := range b.points[person] {
		pupils := person != pupil && slices.ContainsFunc(b.points[pupil], func(o directory.ContactPoint) bool { return o.Address == c.Address })
		switch {
		case pupils || c.Address == "":
		case c.Channel == directory.Email, c.Channel == directory.SMS && consent != directory.ConsentNo:
			at = append(at, string(c.Channel)+" "+c.Address)
		}
	}
	return at
}

// families counts the people who may hear about some pupil.
func (b *book) families() int {
	people := map[string]bool{}
	for _, p := range b.pupils {
		for _, e := range b.of(p) {
			people[e.person] = true
		}
	}
	return len(people)
}

// addresses lists where one hears about a pupil, each once.
func (b *book) addresses(pupil string) (out []string) {
	for _, e := range b.of(pupil) {
		for _, to := range e.at {
			if !slices.Contains(out, to) {
				out = append(out, to)
			}
		}
	}
	return out
}

// saying is one thing that each address of a pupil's is to hear once.
type saying struct {
	kind    kind
	pupil   string
	sitting timetable.Sitting // in which the pupil was missed
}

// tally compares what the sink counted with what had to be.
type tally struct {
	right, wrong, missed, duplicates int
	last, lastRight                  time.Time
	got                              map[string]int // of pupils, who heard something
	odd                              []string       // the first few that are not as they should be
}

// mostOdd is how many are told of.
const mostOdd = 5

func (t *tally) tell(what string, args ...any) {
	if len(t.odd) < mostOdd {
		t.odd = append(t.odd, fmt.Sprintf(what, args...))
	}
}

// tally finds for each message what it had to say: of its kind, to that address, with that
// pupil's name, and where somebody is missed, with the lesson and the hour. Everything else
// is wrong. What an address hears twice is a duplicate, but for the same e-mail again: its
// reader's mail program shows it once.
func (b *book) tally(messages []Message, want []saying) (t tally) {
	t.got = map[string]int{}
	type key struct {
		n  int
		to string
	}
	open, had := map[key]bool{}, map[key]Message{}
	for n, s := range want {
		for _, to := range b.addresses(s.pupil) {
			open[key{n, to}] = true
		}
	}
	t.missed = len(open)
	for _, m := range messages {
		if m.At.After(t.last) {
			t.last = m.At
		}
		fresh, again := -1, -1
		for n, s := range want {
			k := key{n, m.To}
			if !open[k] || s.kind != m.kind() || !b.says(s, m) {
				continue
			}
			if _, heard := had[k]; heard {
				again = n
			} else {
				fresh = n
				break
			}
		}
		switch {
		case fresh >= 0:
			had[key{fresh, m.To}] = m
			t.right, t.lastRight = t.right+1, m.At
			t.missed--
			t.got[want[fresh].pupil]++
		case again < 0:
			t.wrong++
			t.tell("wrong: %s: %s", m.To, strings.Join(strings.Fields(m.Text), " "))
		case m.ID == "" || m.ID != had[key{again, m.To}].ID:
			t.duplicates++
			t.tell("twice: %s: %s", m.To, strings.Join(strings.Fields(m.Text), " "))
		}
	}
	for k := range open {
		if _, heard := had[k]; !heard {
			t.tell("missed: %s about %s's %s from %s", k.to, b.people[want[k.n].pupil].FirstName, want[k.n].kind, want[k.n].sitting.Label)
		}
	}
	return t
}

// says tells whether a message is about a pupil: by name, and where somebody is missed, with
// the lesson and the hour.
func (b *book) says(s saying, m Message) bool {
	p := b.people[s.pupil]
	text := fold(m.Text)
	if !strings.Contains(text, fold(p.FirstName)+" "+string([]rune(fold(p.LastName))[:1])+".") {
		return false
	}
	if s.kind != absence || goneWords.MatchString(text) {
		return true // who left in the middle of a day is missed in class, whatever it was
	}
	at := s.sitting.StartsAt.In(b.zone)
	hour := regexp.MustCompile(fmt.Sprintf(`\b0?%d ?[h:] ?%02d\b`, at.Hour(), at.Minute()))
	named := strings.Contains(text, fold(s.sitting.Label)) || strings.Contains(text, fold(s.sitting.ShortLabel)) || beginsLabel(text, fold(s.sitting.ShortLabel))
	// A study hall is no lesson: who is missed there is missed in class.
	return hour.MatchString(text) && (named || s.sitting.Kind != timetable.Lesson && classWords.MatchString(text))
}

// beginsLabel tells whether a text names a lesson by the beginning of its name: what a first
// name that no telephone's alphabet has makes too long is cut, to six characters at least.
func beginsLabel(text, label string) bool {
	r := []rune(label)
	for n := len(r) - 1; n >= 6; n-- {
		if name := " " + strings.TrimSpace(string(r[:n])); strings.Contains(text, name+" depuis ") || strings.Contains(text, name+" since ") {
			return true
		}
	}
	return false
}

var (
	goneWords  = regexp.MustCompile(`n'y est plus depuis|has not been there since`)
	classWords = regexp.MustCompile(`en classe depuis|in class since`)
)

// fold writes a text in small letters without accents, its spaces and apostrophes plain: what
// a telephone's alphabet does to a name is no fault.
func fold(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.Is(unicode.Mn, c):
			return -1
		case c == '’':
			return '\''
		}
		return unicode.ToLower(c)
	}, norm.NFD.String(s))
	return strings.Join(strings.Fields(s), " ")
}

// offTheList names, of the people who are to hear of absences and have no address for
// messages, those whom the telephone list does not name.
func (b *book) offTheList(rows []string, want []saying) (out []string) {
	listed := func(names ...string) bool {
		return slices.ContainsFunc(rows, func(row string) bool {
			return !slices.ContainsFunc(names, func(name string) bool { return !strings.Contains(fold(row), fold(name)) })
		})
	}
	for _, s := range want {
		if s.kind != absence {
			continue
		}
		pupil, whom := b.people[s.pupil], b.of(s.pupil)
		if len(whom) == 0 && !listed(pupil.FirstName+" "+pupil.LastName) {
			out = append(out, "nobody, for "+pupil.FirstName) // whom the office looks after
		}
		for _, e := range whom {
			p := b.people[e.person]
			if len(e.at) == 0 && !listed(p.FirstName+" "+p.LastName, pupil.FirstName) {
				out = append(out, p.FirstName+" "+p.LastName+", for "+pupil.FirstName)
			}
		}
	}
	return out
}
