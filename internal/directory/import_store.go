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
	id, fresh := "", false
	err = db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		err := tx.NewRaw("SELECT id FROM directory_schools WHERE uai = ?", in.school.UAI).Scan(ctx, &id)
		if err == nil || !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		// Only the row that everything hangs on: the school itself is written with
		// its people, whole or not at all.
		id, fresh = database.NewID(), true
		return database.AddSchool(ctx, tx, id)
	})
	if err != nil {
		return 0, err
	}
	im := importing{school: id, in: in, order: o, now: database.Stamp(now), ids: map[string]string{}, have: holding{}}
	if loc, err := time.LoadLocation(in.school.Zone); err == nil {
		im.day = now.In(loc).Format(time.DateOnly)
	}
	if fresh {
		// Nobody else knows this id: there is nothing to read, and all that is left to do
		// while others wait is to write.
		if err := im.plan(census{}); err != nil {
			return 0, err
		}
	}
	err = db.InSchool(ctx, id, func(ctx context.Context, tx database.Tx) error {
		if gone, err := Gone(ctx, tx, id); err != nil || gone {
			return errors.Join(err, map[bool]error{true: ErrGone}[gone])
		}
		if !fresh {
			if err := im.read(ctx, tx); err != nil {
				return err
			}
		}
		if im.changed == 0 {
			return nil
		}
		for _, write := range im.writes {
			if err := write(ctx, tx); err != nil {
				return err
			}
		}
		record := ImportRecord{School: id, ID: database.NewID(), At: im.now, By: o.By, Dialect: in.dialect, SourceDate: in.date, Digest: im.digest}
		if _, err := tx.NewInsert().Model(&record).Exec(ctx); err != nil {
			return err
		}
		if err := im.keepRows(ctx, tx, record.ID); err != nil {
			return err
		}
		detail := map[string]string{"import": record.ID, "dialect": in.dialect, "digest": record.Digest, "changed": strconv.Itoa(im.changed)}
		if im.accepted != "" {
			detail["accepted"] = im.accepted
		}
		return j.Append(ctx, tx, id, now, journal.Deed{Act: "import", Actor: o.By, Subject: id, Detail: detail})
	})
	if err != nil {
		return 0, err
	}
	return im.changed, nil
}

// importing is one school's import under way. It is first planned against what the school
// holds, without a database, then written.
type importing struct {
	school string
	in     incoming
	order  Order
	now    time.Time
	day    string            // local date of the import
	ids    map[string]string // kind and source key → our id

	there *School // as it is on record; nil: it is new
	have  holding // what the school holds, and while this is planned, what it will

	writes   []func(context.Context, database.Tx) error // in order
	changed  int                                        // rows that they write
	kept     []kept                                     // what they write over
	keptText []byte
	digest   string
	accepted string      // losses that somebody agreed to
	later    bool        // this source brought pupils before
	asks     [][2]string // kind of task and person: what a hand did and the file contradicts
}

// read plans an import of a school that is there, in its transaction.
func (im *importing) read(ctx context.Context, tx database.Tx) error {
	s, err := SchoolByID(ctx, tx, im.school)
	if err == nil {
		im.there = &s
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	if im.have, err = holdingOf(ctx, tx, im.school); err != nil {
		return err
	}
	c, err := im.have.census(ctx, tx, im.school)
	if err != nil {
		return err
	}
	c.there = im.there != nil
	return im.plan(c)
}

// plan says what has to be written. Who is who is c.
func (im *importing) plan(c census) (err error) {
	if err := oneSource(im.in, c.people); err != nil {
		return err
	}
	if im.accepted, err = im.agreed(c); err != nil {
		return err
	}
	for _, step := range []func(){im.theSchool, im.people, im.contacts, im.links, im.groups, im.services, im.sameNumbers, im.doubts, im.tasks, im.doubles} {
		step()
	}
	if im.changed == 0 {
		return nil
	}
	im.digest = im.in.digest()
	return im.keptAsText()
}

// update writes some columns of a row that is there; none: all of them.
func (im *importing) update(row any, columns ...string) {
	im.changed++
	im.writes = append(im.writes, func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewUpdate().Model(row).Column(columns...).WherePK().Exec(ctx)
		return err
	})
}

func (im *importing) id(k Kind, key string) string { return im.ids[string(k)+" "+key] }

func (im *importing) theSchool() {
	want, have := im.in.school, im.there
	want.ID = im.school
	if have == nil {
		im.changed++
		im.writes = append(im.writes, func(ctx context.Context, tx database.Tx) error { return AddSchool(ctx, tx, want) })
		return
	}
	if im.in.staffOnly {
		return
	}
	// Zone, language, short name and telephone may have been set by hand since.
	if want.Name == want.UAI {
		want.Name = have.Name // a source that does not know the name
	}
	if have.Name == want.Name && have.SourceKey == want.SourceKey {
		return
	}
	im.turned(&naming{ID: have.ID, SourceKey: have.SourceKey, Name: have.Name}, &naming{ID: want.ID, SourceKey: want.SourceKey, Name: want.Name})
	im.update(&want, "name", "source_key")
}

func (im *importing) people() {
	have := map[string]Person{}
	for _, p := range rowsOf[Person](im.have) {
		if p.Source != im.in.source {
			continue
		}
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
		im.turned(&old, &want)
		im.update(&want, "last_name", "first_name", "born", "left_on")
	}
	addRows(im, add)
	for k, p := range have {
		if _, still := im.ids[k]; still || p.LeftOn != "" && p.LeftOn <= im.day {
			continue // one who was to leave later, and is not in the file any more, has left
		}
		old := p
		p.LeftOn = im.day
		im.turned(&old, &p)
		im.update(&p, "left_on")
	}
}

func (im *importing) contacts() {
	rows := rowsOf[ContactPoint](im.have)
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
				before := old
				old.EndedAt, old.VerifiedAt = time.Time{}, time.Time{} // whose it is now, nobody has made sure of
				im.turned(&before, &old)
				im.update(&old, "ended_at", "verified_at")
			}
		}
	}
	addRows(im, add)
	im.writes = append(im.writes, im.stopped)
	for k, c := range have {
		if wanted[k] || c.Source != im.in.source || !c.EndedAt.IsZero() {
			continue
		}
		if !c.VerifiedAt.IsZero() {
			im.ask(TaskVerifiedGone, c.Person)
		}
		old := c
		c.EndedAt = im.now
		im.turned(&old, &c)
		im.update(&c, "ended_at")
	}
}

func (im *importing) links() {
	have := map[[2]string]Link{}
	for _, l := range rowsOf[Link](im.have) {
		if l.Source == im.in.source {
			have[[2]string{l.Pupil, l.Adult}] = l
		}
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
		want.ChosenBy, want.ChosenAt, want.Priority = old.ChosenBy, old.ChosenAt, old.Priority
		im.turned(&old, &want)
		im.update(&want)
	}
	addRows(im, add)
	for k, l := range have {
		if wanted[k] || !l.EndedAt.IsZero() {
			continue
		}
		if !l.ChosenAt.IsZero() {
			im.ask(TaskChoiceEnded, l.Adult)
		}
		old := l
		l.EndedAt = im.now
		im.turned(&old, &l)
		im.update(&l, "ended_at")
	}
}

func (im *importing) groups() {
	have := map[[2]string]Group{}
	for _, g := range rowsOf[Group](im.have) {
		have[[2]string{g.Kind, g.Code}] = g
	}
	in := map[[2]string]Member{}
	for _, m := range rowsOf[Member](im.have) {
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
				im.turned(&old, &want)
				im.update(&want, "from_on", "until_on")
			}
		}
	}
	addRows(im, addGroups)
	addRows(im, addMembers)
	for k, m := range in {
		if wanted[k] || m.UntilOn != "" && m.UntilOn <= im.day || !mine[m.Person] {
			continue
		}
		old := m
		m.UntilOn = im.day
		im.turned(&old, &m)
		im.update(&m, "until_on")
	}
}
