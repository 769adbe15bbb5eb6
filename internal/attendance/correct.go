package attendance

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// ErrWhy: the office changes what somebody else marked, and does not say why.
var ErrWhy = errors.New("attendance: a correction of the office says why")

// Whys lists why the office corrects a roll, in the order of the page: a slip of the hand,
// the pupil was seen, whoever called the roll asked for it, one pupil was taken for another,
// something else. Only what was marked is spoken of here: why a pupil is away is said
// elsewhere, to those who may know.
func Whys() []string { return []string{"slip", "seen", "asked", "pupil", "other"} }

// mostWords is how long the words beside a reason may be.
const mostWords = 200

// correction is why a mark of the office replaced somebody else's.
type correction struct {
	bun.BaseModel `bun:"table:attendance_corrections,alias:c"`
	School        string `bun:",pk"`
	N             int64  `bun:",pk"`
	Why           string
	Words         string
}

// correcting keeps the entries that change what another person marked.
func correcting(entries []Entry, current map[string]Mark, by string) map[string]bool {
	out := map[string]bool{}
	for _, e := range entries {
		if k, marked := current[e.Pupil]; marked && k.By != by {
			out[e.Pupil] = true
		}
	}
	return out
}

// checkWhy refuses a correction of the office without a reason. Whoever is in charge of the
// sitting corrects without a word: the roll is theirs.
func checkWhy(s Save, corrected map[string]bool) error {
	if !s.MustSay || len(corrected) == 0 {
		return nil
	}
	if !slices.Contains(Whys(), s.Why) || utf8.RuneCountInString(s.Words) > mostWords || s.Why == "other" && s.Words == "" {
		return ErrWhy
	}
	return nil
}

// keepWhy keeps the reason beside each mark that corrects.
func keepWhy(ctx context.Context, tx database.Tx, s Save, marks []Mark, corrected map[string]bool) error {
	if s.Why == "" || s.Origin != FromOffice {
		return nil
	}
	var rows []correction
	for _, k := range marks {
		if corrected[k.Pupil] {
			rows = append(rows, correction{School: s.School, N: k.N, Why: s.Why, Words: s.Words})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// correctionsOf gives why the office made some marks, by number.
func correctionsOf(ctx context.Context, tx database.Tx, school string, marks map[string]Mark) (map[int64]correction, error) {
	var ns []int64
	for _, k := range marks {
		if k.Origin == FromOffice {
			ns = append(ns, k.N)
		}
	}
	if len(ns) == 0 {
		return nil, nil
	}
	var rows []correction
	err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.n IN (?)", school, bun.List(ns)).Scan(ctx)
	out := make(map[int64]correction, len(rows))
	for _, c := range rows {
		out[c.N] = c
	}
	return out, err
}

// corrected is a correction as the roll shows it.
type corrected struct {
	Mark Mark
	Why  string
	// Words are read by those who follow absences: they are not the class's.
	Words string
	By    string
}

// readCorrections says beside each pupil who of the office corrected the mark, and why.
func (p *Pages) readCorrections(ctx context.Context, tx database.Tx, v page.Viewer, s *sheet, current map[string]Mark) error {
	why, err := correctionsOf(ctx, tx, v.School, current)
	if err != nil || len(why) == 0 {
		return err
	}
	var by []string
	for _, k := range current {
		if _, ok := why[k.N]; ok {
			by = append(by, k.By)
		}
	}
	names, err := p.names(ctx, tx, v.School, by...)
	if err != nil {
		return err
	}
	for i, r := range s.Rows {
		k := current[r.Pupil.ID]
		c, ok := why[k.N]
		if !ok {
			continue
		}
		s.Rows[i].Corrected = corrected{Mark: k, Why: c.Why, By: names[k.By]}
		if page.SchoolLife().Allows(v.Role) {
			s.Rows[i].Corrected.Words = c.Words
		}
	}
	return nil
}

// corrects tells whether a save of the viewer is the office's correction: the roll was
// called, and it is not theirs.
func corrects(v page.Viewer, s timetable.Sitting, called bool) bool { return called && !inCharge(v, s) }

// correctedText says who corrected a mark, when and why.
func correctedText(ctx context.Context, c corrected) string {
	text := page.T(ctx, "attendance.corrected", "name", c.By, "hour", page.Hour(ctx, c.Mark.At), "why", page.T(ctx, "attendance.why."+c.Why))
	if c.Words != "" {
		text += " (" + c.Words + ")"
	}
	return text
}

// whyOptions are the reasons to choose from.
func whyOptions(ctx context.Context) []page.Option {
	var out []page.Option
	for _, why := range Whys() {
		out = append(out, page.Option{Value: why, Text: page.Capital(page.T(ctx, "attendance.why."+why))})
	}
	return out
}

func whyError(ctx context.Context, s sheet) string {
	if !s.NoWhy {
		return ""
	}
	return page.T(ctx, "attendance.why.wrong")
}
