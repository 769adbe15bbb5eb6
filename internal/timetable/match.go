package timetable

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"

	"github.com/preau-ent/preau/internal/directory"
)

// key names an occurrence across readings of its file: the event, and for a repeated
// one the day that it was planned for. So an occurrence that moves stays the same.
func (e Event) key() string {
	k := e.UID + "/" + e.Repeated
	if len(k) > 200 {
		sum := sha256.Sum256([]byte(k))
		k = "sha256:" + hex.EncodeToString(sum[:])
	}
	return k
}

// Target says whose calendar a file is: of a class or group, or of a member of staff.
// One of the two is empty.
type Target struct {
	Group string
	Staff string
}

// Sittings turns the events of a calendar into sittings of a school. In a class's
// calendar it looks for the names of staff in each event, in a teacher's for the
// classes and groups; an event of a teacher in which no class is recognised expects
// nobody and is left out. Ids are empty: Import gives them.
func (c Calendar) Sittings(school string, w Window, target Target, groups []directory.Group, staff []directory.Person) ([]Sitting, []Skip) {
	skipped := skips(slices.Clone(c.Skipped))
	classes := newFinder()
	for _, g := range groups {
		classes.add(g.Label, g.ID)
		classes.add(g.Code, g.ID)
	}
	people := newFinder()
	for _, p := range staff {
		people.add(p.LastName, p.ID)
	}
	var all []Sitting
	for _, e := range c.Events {
		text := e.Summary + " | " + e.Text + " | " + e.Location
		s := Sitting{School: school, Kind: Lesson, Label: e.Summary, Room: e.Location, Source: FromCalendar, SourceKey: e.key()}
		if s.Label == "" {
			s.Label = "Cours"
		}
		if target.Group != "" {
			s.Groups = []string{target.Group}
			for _, p := range people.in(text) {
				s.Staff = append(s.Staff, Charge{Person: p})
			}
		} else {
			s.Groups = classes.in(text)
			s.Staff = []Charge{{Person: target.Staff}}
		}
		short := classes.without(s.Label)
		if len(s.Groups) == 0 {
			skipped.add(SkipNobody, e.Line)
			continue
		}
		s.ShortLabel = ShortLabel(short)
		if study(s.Label) {
			s.Kind = Study
		}
		if e.Cancelled {
			s.CancelledAt = e.Starts // Import puts the moment at which it learned it
		}
		s.At(e.Starts, e.Ends, w.Zone)
		all = append(all, s)
	}
	return all, skipped
}

func study(label string) bool {
	l := bare(strings.ToLower(label))
	return strings.HasPrefix(l, "permanence") || strings.HasPrefix(l, "etude") || strings.HasPrefix(l, "study")
}

// finder finds names in texts, as whole words, whatever their case and accents. A
// name that two have is nobody's.
type finder struct {
	ids   map[string]string // by words; empty: of several
	words int               // of the longest name
}

func newFinder() *finder { return &finder{ids: map[string]string{}} }

func words(s string) []string {
	return strings.FieldsFunc(bare(strings.ToLower(s)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func (f *finder) add(name, id string) {
	w := words(name)
	k := strings.Join(w, " ")
	if len(k) < 2 {
		return // "A" would be found everywhere
	}
	if other, ok := f.ids[k]; ok && other != id {
		id = ""
	}
	f.ids[k] = id
	f.words = max(f.words, len(w))
}

// in lists whom a text names, sorted. Of names within names the longest counts: "2de
// 30" is not "2de 3", and "Espagnol 2de 3" is not the whole of 2de 3.
func (f *finder) in(text string) []string {
	var found []string
	w := words(text)
	for i := 0; i < len(w); i++ {
		for n := min(f.words, len(w)-i); n > 0; n-- {
			if id, ok := f.ids[strings.Join(w[i:i+n], " ")]; ok {
				if id != "" && !slices.Contains(found, id) {
					found = append(found, id)
				}
				i += n - 1
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// without takes the names out of a label, so that "2de 3 - Mathématiques" is said
// "maths" in a message. A label of nothing else stays.
func (f *finder) without(label string) string {
	var rest []string
	for part := range strings.FieldsFuncSeq(label, func(r rune) bool {
		return r == '-' || r == '–' || r == '|' || r == ',' || r == '(' || r == ')' || r == '/'
	}) {
		if part = strings.TrimSpace(part); part != "" && len(f.in(part)) == 0 {
			rest = append(rest, part)
		}
	}
	if len(rest) == 0 {
		return label
	}
	return strings.Join(rest, " ")
}
