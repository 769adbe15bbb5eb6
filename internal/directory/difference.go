package directory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

// Difference is what an import would change in one school, by name, before anything is
// changed. Who may be told is what Entitled says, before and after.
type Difference struct {
	UAI  string `json:"uai"`
	Name string `json:"name"`
	New  bool   `json:"new"` // the school is not there yet

	Pupils Changes `json:"pupils"`
	Adults Changes `json:"adults"`
	Staff  Changes `json:"staff"`

	LinksGained  []LinkChange `json:"links_gained"`
	LinksChanged []LinkChange `json:"links_changed"` // another level, or consent
	LinksLost    []LinkChange `json:"links_lost"`

	ToldBefore int          `json:"told_before"` // pairs of a pupil and somebody who may be told
	ToldAfter  int          `json:"told_after"`
	ToldGained []ToldChange `json:"told_gained"`
	ToldLost   []ToldChange `json:"told_lost"`

	Loss    string `json:"loss,omitempty"`    // why it is held back without --accept-loss; empty: it is not
	Losses  []Loss `json:"losses,omitempty"`  // each of which somebody has to accept
	Refused string `json:"refused,omitempty"` // why it is not taken at all; empty: it is
}

// Loss is more than a tenth of what a school has that an import takes away, or turns into
// something else.
type Loss struct {
	What string `json:"what"` // see the loss constants
	Have int    `json:"have"`
	Lost int    `json:"lost"`
}

// What may be lost.
const (
	LossPupils   = "pupils"
	LossAdults   = "adults"
	LossLinks    = "links"
	LossLegal    = "legal"    // legal representatives who are none any more
	LossPromoted = "promoted" // adults who become legal representatives and were none
)

// Digest names the difference, and the losses in it: whoever agreed to one agreed to no
// other.
func (d Difference) Digest() string {
	d.Refused, d.Name = "", ""
	b, err := json.Marshal(d)
	if err != nil {
		panic("directory: a difference: " + err.Error()) // it is names and numbers
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Changes are people by name.
type Changes struct {
	Added   []string `json:"added"`
	Changed []string `json:"changed"`
	Left    []string `json:"left"`
}

// LinkChange is one pupil and one adult. From and To are levels; "" is no link.
type LinkChange struct {
	Pupil string `json:"pupil"`
	Adult string `json:"adult"`
	From  Level  `json:"from,omitempty"`
	To    Level  `json:"to,omitempty"`
}

// ToldChange is somebody who may be told about a pupil from now on, or no longer.
type ToldChange struct {
	Pupil string `json:"pupil"`
	Who   string `json:"who"`
	Why   Reason `json:"why"` // after the import; "" where nothing joins them any more
}

// Empty says that the import would change nothing that a person could name.
func (d Difference) Empty() bool {
	for _, c := range []Changes{d.Pupils, d.Adults, d.Staff} {
		if len(c.Added)+len(c.Changed)+len(c.Left) > 0 {
			return false
		}
	}
	return len(d.LinksGained)+len(d.LinksChanged)+len(d.LinksLost)+len(d.ToldGained)+len(d.ToldLost) == 0
}

// Differences compares each school of an export that nothing holds back with what is
// there. It writes nothing.
func Differences(ctx context.Context, db *database.DB, e *Export, now time.Time) ([]Difference, error) {
	if e.refused {
		return nil, nil
	}
	var out []Difference
	for _, one := range e.schools {
		if one.heldBack {
			continue
		}
		in := one.incoming()
		var have census
		name := in.school.Name
		var refused error // whatever the difference: it would not be taken
		err := db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
			s, err := schoolByUAI(ctx, tx, in.school.UAI)
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			if name == s.UAI {
				name = s.Name // the source does not know it
			}
			if gone, err := Gone(ctx, tx, s.ID); err != nil {
				return err
			} else if gone {
				refused = ErrGone
			}
			have, err = censusOf(ctx, tx, s.ID)
			have.there = true
			if one := oneSource(in, have.people); one != nil {
				refused = one
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		day := now.UTC().Format(time.DateOnly)
		if loc, err := time.LoadLocation(in.school.Zone); err == nil {
			day = now.In(loc).Format(time.DateOnly)
		}
		d := differ(have, in, day)
		d.Name = name
		if refused != nil {
			d.Refused = refused.Error()
		}
		out = append(out, d)
	}
	return out, nil
}

func schoolByUAI(ctx context.Context, tx database.Tx, uai string) (School, error) {
	var s School
	err := tx.NewSelect().Model(&s).Where("s.uai = ?", uai).Scan(ctx)
	return s, found(err)
}

// census is what a school has on record about who is who.
type census struct {
	there      bool
	people     map[string]Person // by id
	links      map[[2]string]Link
	decisions  []Decision
	objections []Objection
}

func censusOf(ctx context.Context, tx database.Tx, school string) (census, error) {
	h := holding{}
	for _, s := range []shelf{shelfOf[Person]("id"), shelfOf[Link]("pupil", "adult")} {
		var err error
		if h[s.name], err = s.all(ctx, tx, school); err != nil {
			return census{}, err
		}
	}
	return h.census(ctx, tx, school)
}

// census reads what else there is to know about who is who.
func (h holding) census(ctx context.Context, tx database.Tx, school string) (census, error) {
	c := census{people: map[string]Person{}, links: map[[2]string]Link{}}
	for _, p := range rowsOf[Person](h) {
		if p.ID != tripwirePerson {
			c.people[p.ID] = p
		}
	}
	for _, l := range rowsOf[Link](h) {
		c.links[[2]string{l.Pupil, l.Adult}] = l
	}
	return c, errors.Join(
		tx.NewSelect().Model(&c.decisions).Where("d.school = ?", school).Scan(ctx),
		tx.NewSelect().Model(&c.objections).Where("o.school = ?", school).Scan(ctx))
}

// after is the census once the school of a source has come: what importSchool writes,
// said without a database. People who are new get their key for an id.
func (c census) after(in incoming, day string) census {
	out := census{there: true, people: maps.Clone(c.people), links: maps.Clone(c.links), decisions: c.decisions, objections: c.objections}
	if out.people == nil {
		out.people, out.links = map[string]Person{}, map[[2]string]Link{}
	}
	ids := map[string]string{}
	for id, p := range c.people {
		if p.Source == in.source {
			ids[string(p.Kind)+" "+p.SourceKey] = id
		}
	}
	came := map[string]bool{}
	for _, p := range in.people {
		k := string(p.kind) + " " + p.key
		id, known := ids[k]
		if !known {
			id = "new " + k
			ids[k] = id
		}
		if came[id] {
			continue
		}
		came[id] = true
		lang := out.people[id].Lang
		out.people[id] = Person{ID: id, Kind: p.kind, Source: in.source, SourceKey: p.key, LastName: p.last, FirstName: p.first, Born: p.born, Lang: lang}
	}
	for id, p := range c.people {
		if p.Source == in.source && !came[id] && !gone(p, day) {
			p.LeftOn = day
			out.people[id] = p
		}
	}
	linked := map[[2]string]bool{}
	for _, l := range in.links {
		k := [2]string{ids[string(KindPupil)+" "+l.pupil], ids[string(KindAdult)+" "+l.adult]}
		if linked[k] {
			continue
		}
		linked[k] = true
		old := c.links[k]
		out.links[k] = Link{Pupil: k[0], Adult: k[1], Level: l.level, Kinship: l.kinship, SMSConsent: l.consent, Raw: l.raw, Source: in.source,
			ChosenBy: old.ChosenBy, ChosenAt: old.ChosenAt, Priority: old.Priority}
	}
	for k, l := range c.links {
		if l.Source == in.source && !linked[k] && l.EndedAt.IsZero() {
			l.EndedAt = time.Unix(1, 0)
			out.links[k] = l
		}
	}
	return out
}

// told is every pair of a pupil and somebody who may be told, and why each pair is as
// it is.
func (c census) told(day string) (told map[[2]string]bool, why map[[2]string]Reason) {
	told, why = map[[2]string]bool{}, map[[2]string]Reason{}
	cases := map[string]*Case{}
	for id, p := range c.people {
		if p.Kind == KindPupil {
			cases[id] = &Case{Pupil: p, Adults: c.people}
		}
	}
	for _, l := range c.links {
		if one := cases[l.Pupil]; one != nil {
			one.Links = append(one.Links, l)
		}
	}
	for _, d := range c.decisions {
		if one := cases[d.Pupil]; one != nil {
			one.Decisions = append(one.Decisions, d)
		}
	}
	for _, o := range c.objections {
		if one := cases[o.Pupil]; one != nil {
			one.Objections = append(one.Objections, o)
		}
	}
	for id, one := range cases {
		for _, s := range Entitled(*one, day) {
			k := [2]string{id, s.Person}
			why[k] = s.Why
			if s.Told {
				told[k] = true
			}
		}
	}
	return told, why
}

// differ says what would change in a school. It is pure.
func differ(have census, in incoming, day string) Difference {
	next := have.after(in, day)
	d := Difference{UAI: in.school.UAI, Name: in.school.Name, New: !have.there}
	name := func(id string) string {
		p, ok := next.people[id]
		if !ok {
			p = have.people[id]
		}
		return nameOf(p)
	}
	for _, id := range slices.Sorted(maps.Keys(next.people)) {
		p := next.people[id]
		old, was := have.people[id]
		of := &d.Adults
		switch p.Kind {
		case KindPupil:
			of = &d.Pupils
		case KindStaff:
			of = &d.Staff
		}
		here, wasHere := !gone(p, day), was && !gone(old, day)
		switch {
		case here && !wasHere:
			of.Added = append(of.Added, nameOf(p))
		case !here && wasHere:
			of.Left = append(of.Left, nameOf(p))
		case here && (old.LastName != p.LastName || old.FirstName != p.FirstName || old.Born != p.Born):
			of.Changed = append(of.Changed, nameOf(p))
		}
	}
	for _, k := range pairs(next.links) {
		l, old := next.links[k], have.links[k]
		live, was := l.EndedAt.IsZero(), old.Source != "" && old.EndedAt.IsZero()
		change := LinkChange{Pupil: name(k[0]), Adult: name(k[1])}
		if was {
			change.From = old.Level
		}
		if live {
			change.To = l.Level
		}
		switch {
		case live && !was:
			d.LinksGained = append(d.LinksGained, change)
		case !live && was:
			d.LinksLost = append(d.LinksLost, change)
		case live && (old.Level != l.Level || old.SMSConsent != l.SMSConsent):
			d.LinksChanged = append(d.LinksChanged, change)
		}
	}
	before, _ := have.told(day)
	after, why := next.told(day)
	d.ToldBefore, d.ToldAfter = len(before), len(after)
	for _, k := range pairs(after) {
		if !before[k] {
			d.ToldGained = append(d.ToldGained, ToldChange{name(k[0]), name(k[1]), why[k]})
		}
	}
	for _, k := range pairs(before) {
		if !after[k] {
			d.ToldLost = append(d.ToldLost, ToldChange{name(k[0]), name(k[1]), why[k]})
		}
	}
	for _, c := range []*Changes{&d.Pupils, &d.Adults, &d.Staff} {
		slices.Sort(c.Added)
		slices.Sort(c.Changed)
		slices.Sort(c.Left)
	}
	for _, of := range [][]LinkChange{d.LinksGained, d.LinksChanged, d.LinksLost} {
		slices.SortFunc(of, func(a, b LinkChange) int { return cmp.Or(cmp.Compare(a.Pupil, b.Pupil), cmp.Compare(a.Adult, b.Adult)) })
	}
	for _, of := range [][]ToldChange{d.ToldGained, d.ToldLost} {
		slices.SortFunc(of, func(a, b ToldChange) int { return cmp.Or(cmp.Compare(a.Pupil, b.Pupil), cmp.Compare(a.Who, b.Who)) })
	}
	d.Losses = lossesOf(have, next, in.source, day)
	if len(d.Losses) > 0 {
		d.Loss = (&lossError{d.Losses[0]}).Error()
	}
	return d
}

func pairs[V any](m map[[2]string]V) [][2]string {
	return slices.SortedFunc(maps.Keys(m), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
}

// lossesOf compares what a source said with what it says now. A tenth is a class change
// or the leavers of a term; more is a missing file, or a file read in the wrong
// dialect: then as many people lose the right to be told, or gain it.
func lossesOf(have, next census, source, day string) (out []Loss) {
	var pupils, adults, links, legal, other tally
	for id, p := range have.people {
		if p.Source != source || gone(p, day) {
			continue
		}
		switch kept := !gone(next.people[id], day); p.Kind {
		case KindPupil:
			pupils.count(kept)
		case KindAdult:
			adults.count(kept)
		}
	}
	for k, l := range have.links {
		if l.Source != source || !l.EndedAt.IsZero() {
			continue
		}
		now := next.links[k]
		kept := now.EndedAt.IsZero()
		links.count(kept)
		if l.Level == Legal {
			legal.count(!kept || now.Level == Legal) // who is gone is counted above
		} else {
			other.count(!kept || now.Level != Legal)
		}
	}
	other.have = links.have // a few contacts become guardians every year
	other.kept = other.have - other.lost
	for _, one := range []struct {
		what string
		of   tally
		few  int
	}{{LossPupils, pupils, 0}, {LossAdults, adults, 0}, {LossLinks, links, 0}, {LossLegal, legal, fewLevels}, {LossPromoted, other, fewLevels}} {
		if one.of.lost >= one.few && one.of.tooMuch() {
			out = append(out, Loss{What: one.what, Have: one.of.have, Lost: one.of.lost})
		}
	}
	return out
}

// fewLevels change by hand in any school, however small.
const fewLevels = 5

type tally struct{ have, kept, lost int }

func (t *tally) count(kept bool) {
	t.have++
	if kept {
		t.kept++
	} else {
		t.lost++
	}
}

// tooMuch: more than a tenth.
func (t tally) tooMuch() bool { return t.lost*10 > t.have }
