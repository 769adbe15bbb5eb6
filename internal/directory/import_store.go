package directory

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// importSchool makes the school what a source says it is, in one transaction, and gives
// the number of rows that had to be written. What people chose or typed in by hand
// stays: the choice of a contact, decisions, objections, contact points of other
// sources.
func importSchool(ctx context.Context, db *database.DB, j *journal.Journal, in incoming, o Order, now time.Time) (changed int, err error) {
	id := ""
	err = db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		err := tx.NewRaw("SELECT id FROM directory_schools WHERE uai = ?", in.school.UAI).Scan(ctx, &id)
		if err == nil || !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		// Only the row that everything hangs on: the school itself is written with
		// its people, whole or not at all.
		id = database.NewID()
		return database.AddSchool(ctx, tx, id)
	})
	if err != nil {
		return 0, err
	}
	err = db.InSchool(ctx, id, func(ctx context.Context, tx database.Tx) error {
		im := importing{ctx: ctx, tx: tx, school: id, in: in, now: database.Stamp(now), ids: map[string]string{}}
		if loc, err := time.LoadLocation(in.school.Zone); err == nil {
			im.day = now.In(loc).Format(time.DateOnly)
		}
		if gone, err := Gone(ctx, tx, id); err != nil || gone {
			return errors.Join(err, map[bool]error{true: ErrGone}[gone])
		}
		if err := im.oneSource(); err != nil {
			return err
		}
		accepted, err := im.agreed(o)
		if err != nil {
			return err
		}
		for _, step := range []func() error{im.theSchool, im.people, im.contacts, im.links, im.groups, im.services, im.sameNumbers, im.doubts, im.tasks, im.doubles} {
			if err := step(); err != nil {
				return err
			}
		}
		changed = im.changed
		if changed == 0 {
			return nil
		}
		record := ImportRecord{School: id, ID: database.NewID(), At: im.now, By: o.By, Dialect: in.dialect, SourceDate: in.date, Digest: in.digest()}
		if _, err := tx.NewInsert().Model(&record).Exec(ctx); err != nil {
			return err
		}
		if err := im.keepRows(record.ID); err != nil {
			return err
		}
		detail := map[string]string{"import": record.ID, "dialect": in.dialect, "digest": record.Digest, "changed": strconv.Itoa(changed)}
		if accepted != "" {
			detail["accepted"] = accepted
		}
		return j.Append(ctx, tx, id, now, journal.Deed{Act: "import", Actor: o.By, Subject: id, Detail: detail})
	})
	return changed, err
}

// importing is one school's import under way.
type importing struct {
	ctx     context.Context
	tx      database.Tx
	school  string
	in      incoming
	now     time.Time
	day     string            // local date of the import
	ids     map[string]string // kind and source key → our id
	changed int
	kept    []kept      // what was written over
	later   bool        // this source brought pupils before
	asks    [][2]string // kind of task and person: what a hand did and the file contradicts
}

func (im *importing) id(k Kind, key string) string { return im.ids[string(k)+" "+key] }

func (im *importing) theSchool() error {
	want := im.in.school
	want.ID = im.school
	have, err := SchoolByID(im.ctx, im.tx, im.school)
	if errors.Is(err, ErrNotFound) {
		im.changed++
		return AddSchool(im.ctx, im.tx, want)
	}
	if err != nil {
		return err
	}
	if im.in.staffOnly {
		return nil
	}
	// Zone, language, short name and telephone may have been set by hand since.
	if want.Name == want.UAI {
		want.Name = have.Name // a source that does not know the name
	}
	if have.Name == want.Name && have.SourceKey == want.SourceKey {
		return nil
	}
	im.changed++
	im.turned(&naming{ID: have.ID, SourceKey: have.SourceKey, Name: have.Name}, &naming{ID: want.ID, SourceKey: want.SourceKey, Name: want.Name})
	_, err = im.tx.NewUpdate().Model(&want).Column("name", "source_key").WherePK().Exec(im.ctx)
	return err
}

func (im *importing) people() error {
	var rows []Person
	if err := im.tx.NewSelect().Model(&rows).Where("p.school = ? AND p.source = ?", im.school, im.in.source).Scan(im.ctx); err != nil {
		return err
	}
	have := map[string]Person{}
	for _, p := range rows {
		have[string(p.Kind)+" "+p.SourceKey] = p
		im.later = im.later || p.Kind == KindPupil
	}
	var add []Person
	for _, p := range im.in.people {
		k := string(p.kind) + " " + p.key
		if _, twice := im.ids[k]; twice {
			continue
		}
		want := Person{School: im.school, Kind: p.kind, Source: im.in.source, SourceKey: p.key, LastName: p.last, FirstName: p.first, Born: p.born, LeftOn: p.leaves}
		old, ok := have[k]
		if !ok {
			want.ID = database.NewID()
			im.ids[k] = want.ID
			add = append(add, want)
			continue
		}
		im.ids[k], want.ID, want.Lang = old.ID, old.ID, old.Lang
		if old.LastName == want.LastName && old.FirstName == want.FirstName && old.Born == want.Born && old.LeftOn == want.LeftOn {
			continue
		}
		im.changed++
		im.turned(&old, &want)
		if _, err := im.tx.NewUpdate().Model(&want).Column("last_name", "first_name", "born", "left_on").WherePK().Exec(im.ctx); err != nil {
			return err
		}
	}
	if err := addRows(im, add); err != nil {
		return err
	}
	for k, p := range have {
		if _, still := im.ids[k]; still || p.LeftOn != "" && p.LeftOn <= im.day {
			continue // one who was to leave later, and is not in the file any more, has left
		}
		im.changed++
		old := p
		p.LeftOn = im.day
		im.turned(&old, &p)
		if _, err := im.tx.NewUpdate().Model(&p).Column("left_on").WherePK().Exec(im.ctx); err != nil {
			return err
		}
	}
	return nil
}

func (im *importing) contacts() error {
	var rows []ContactPoint
	if err := im.tx.NewSelect().Model(&rows).Where("c.school = ?", im.school).Scan(im.ctx); err != nil {
		return err
	}
	type key struct {
		person  string
		channel Channel
		address string
	}
	have := map[key]ContactPoint{}
	for _, c := range rows {
		have[key{c.Person, c.Channel, c.Address}] = c
	}
	wanted := map[key]bool{}
	byHand := map[[2]string]bool{} // person and kind of address that a hand corrected
	for _, c := range rows {
		if c.Source == ByHand {
			byHand[[2]string{c.Person, voiceOrMail(c.Channel)}] = true
		}
	}
	var add []ContactPoint
	for _, p := range im.in.people {
		person := im.id(p.kind, p.key)
		for _, pt := range p.points {
			k := key{person, pt.channel, pt.address}
			if wanted[k] {
				continue
			}
			wanted[k] = true
			old, ok := have[k]
			switch {
			case !ok:
				if byHand[[2]string{person, voiceOrMail(pt.channel)}] {
					im.ask(TaskFileDiffers, person)
				}
				add = append(add, ContactPoint{School: im.school, ID: database.NewID(), Person: person, Channel: pt.channel, Address: pt.address, Raw: pt.raw, Source: im.in.source})
			case !old.EndedAt.IsZero() && old.Source == im.in.source:
				im.changed++
				before := old
				old.EndedAt, old.VerifiedAt = time.Time{}, time.Time{} // whose it is now, nobody has made sure of
				im.turned(&before, &old)
				if _, err := im.tx.NewUpdate().Model(&old).Column("ended_at", "verified_at").WherePK().Exec(im.ctx); err != nil {
					return err
				}
			}
		}
	}
	if err := addRows(im, add); err != nil {
		return err
	}
	if err := im.stopped(); err != nil {
		return err
	}
	for k, c := range have {
		if wanted[k] || c.Source != im.in.source || !c.EndedAt.IsZero() {
			continue
		}
		im.changed++
		if !c.VerifiedAt.IsZero() {
			im.ask(TaskVerifiedGone, c.Person)
		}
		old := c
		c.EndedAt = im.now
		im.turned(&old, &c)
		if _, err := im.tx.NewUpdate().Model(&c).Column("ended_at").WherePK().Exec(im.ctx); err != nil {
			return err
		}
	}
	return nil
}

func (im *importing) links() error {
	var rows []Link
	if err := im.tx.NewSelect().Model(&rows).Where("l.school = ? AND l.source = ?", im.school, im.in.source).Scan(im.ctx); err != nil {
		return err
	}
	have := map[[2]string]Link{}
	for _, l := range rows {
		have[[2]string{l.Pupil, l.Adult}] = l
	}
	wanted := map[[2]string]bool{}
	var add []Link
	for _, l := range im.in.links {
		want := Link{School: im.school, Pupil: im.id(KindPupil, l.pupil), Adult: im.id(KindAdult, l.adult), Level: l.level, Kinship: l.kinship, SMSConsent: l.consent,
			Raw: l.raw, Source: im.in.source, SourceFile: l.file, SourceDate: im.in.date, Dialect: im.in.dialect}
		k := [2]string{want.Pupil, want.Adult}
		if wanted[k] {
			continue
		}
		wanted[k] = true
		old, ok := have[k]
		if !ok {
			add = append(add, want)
			continue
		}
		if old.Level == want.Level && old.Kinship == want.Kinship && old.SMSConsent == want.SMSConsent && old.Raw == want.Raw && old.EndedAt.IsZero() {
			continue
		}
		im.changed++
		want.ChosenBy, want.ChosenAt, want.Priority = old.ChosenBy, old.ChosenAt, old.Priority
		im.turned(&old, &want)
		if _, err := im.tx.NewUpdate().Model(&want).WherePK().Exec(im.ctx); err != nil {
			return err
		}
	}
	if err := addRows(im, add); err != nil {
		return err
	}
	for k, l := range have {
		if wanted[k] || !l.EndedAt.IsZero() {
			continue
		}
		im.changed++
		if !l.ChosenAt.IsZero() {
			im.ask(TaskChoiceEnded, l.Adult)
		}
		old := l
		l.EndedAt = im.now
		im.turned(&old, &l)
		if _, err := im.tx.NewUpdate().Model(&l).Column("ended_at").WherePK().Exec(im.ctx); err != nil {
			return err
		}
	}
	return nil
}

func (im *importing) groups() error {
	rows, err := Groups(im.ctx, im.tx, im.school)
	if err != nil {
		return err
	}
	have := map[[2]string]Group{}
	for _, g := range rows {
		have[[2]string{g.Kind, g.Code}] = g
	}
	var members []Member
	if err := im.tx.NewSelect().Model(&members).Where("m.school = ?", im.school).Scan(im.ctx); err != nil {
		return err
	}
	in := map[[2]string]Member{}
	for _, m := range members {
		in[[2]string{m.Grp, m.Person}] = m
	}
	wanted := map[[2]string]bool{}
	mine := map[string]bool{} // ids of the people of this source
	for _, id := range im.ids {
		mine[id] = true
	}
	var addGroups []Group
	var addMembers []Member
	for _, g := range im.in.groups {
		group, ok := have[[2]string{g.kind, g.code}]
		if !ok {
			group = Group{School: im.school, ID: database.NewID(), Kind: g.kind, Code: g.code, Label: g.label}
			have[[2]string{g.kind, g.code}] = group
			addGroups = append(addGroups, group)
		}
		for _, pupil := range g.pupils {
			k := [2]string{group.ID, im.id(KindPupil, pupil)}
			if wanted[k] {
				continue
			}
			wanted[k] = true
			want := Member{School: im.school, Grp: k[0], Person: k[1], FromOn: g.spans[pupil].from, UntilOn: g.spans[pupil].until}
			old, ok := in[k]
			if want.FromOn == "" {
				// The source knows no first day. Once the school is here, whoever comes to a
				// class was not in it before: rolls of last week do not expect them.
				want.FromOn = old.FromOn
				if !ok && im.later {
					want.FromOn = im.day
				}
			}
			if !ok {
				addMembers = append(addMembers, want)
			} else if old.UntilOn != want.UntilOn || old.FromOn != want.FromOn {
				im.changed++
				im.turned(&old, &want)
				if _, err := im.tx.NewUpdate().Model(&want).Column("from_on", "until_on").WherePK().Exec(im.ctx); err != nil {
					return err
				}
			}
		}
	}
	if err := addRows(im, addGroups); err != nil {
		return err
	}
	if err := addRows(im, addMembers); err != nil {
		return err
	}
	for k, m := range in {
		if wanted[k] || m.UntilOn != "" && m.UntilOn <= im.day || !mine[m.Person] {
			continue
		}
		im.changed++
		old := m
		m.UntilOn = im.day
		im.turned(&old, &m)
		if _, err := im.tx.NewUpdate().Model(&m).Column("until_on").WherePK().Exec(im.ctx); err != nil {
			return err
		}
	}
	return nil
}
