package classroom

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// room is a class with whoever looks at it.
type room struct {
	facts
	Door   Door
	Part   Part
	Pupils []directory.Person // enrolled, by name
	AtHome map[string]bool    // of them, who follows the sitting from home
}

// roomOf reads a class as one person meets it. ErrNotFound for a sitting that is not of the
// school.
func roomOf(ctx context.Context, tx database.Tx, school, sitting, person string, now time.Time) (r room, err error) {
	r.facts = facts{Now: now, Person: person, Class: Class{School: school, Sitting: sitting, Talk: TalkOff}}
	if r.Sitting, err = timetable.ByID(ctx, tx, school, sitting); errors.Is(err, timetable.ErrNotFound) {
		return r, ErrNotFound
	} else if err != nil {
		return r, err
	}
	if r.Pupils, err = timetable.Pupils(ctx, tx, school, r.Sitting); err != nil {
		return r, err
	}
	ids := make([]string, len(r.Pupils))
	for i, p := range r.Pupils {
		ids[i] = p.ID
	}
	home, err := timetable.AtHome(ctx, tx, school, ids, r.Sitting.Day)
	if err != nil {
		return r, err
	}
	r.AtHome = make(map[string]bool, len(home))
	for id := range home {
		r.AtHome[id] = true
	}
	r.Enrolled, r.Home = slices.Contains(ids, person), len(home) > 0
	if err := tx.NewSelect().Model(&r.Class).WherePK().Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, err
	}
	r.Entry = Entry{School: school, Sitting: sitting, Person: person}
	if err := tx.NewSelect().Model(&r.Entry).WherePK().Scan(ctx); errors.Is(err, sql.ErrNoRows) {
		r.Entry = Entry{}
	} else if err != nil {
		return r, err
	}
	r.Door, r.Part = answer(r.facts)
	return r, nil
}

// enter writes down that somebody asked to enter and may: the first time is the arrival. The
// first of those in charge opens the class. It tells whether that is new.
func enter(ctx context.Context, tx database.Tx, r *room, account string) (news bool, err error) {
	now := database.Stamp(r.Now)
	if err := made(ctx, tx, r); err != nil {
		return false, err
	}
	switch e := r.Entry; {
	case e.Person == "":
		r.Entry = Entry{School: r.Class.School, Sitting: r.Class.Sitting, Person: r.Person, Part: r.Part, State: In, AskedAt: now}
		if _, err := tx.NewInsert().Model(&r.Entry).Exec(ctx); err != nil {
			return false, err
		}
		news = true
	case e.State != In || e.Part == Pupil && r.Part == Teacher || e.Part == Guest && r.Part != Guest:
		r.Entry.State, r.Entry.Part = In, r.Part
		if _, err := tx.NewUpdate().Model(&r.Entry).Column("state", "part").WherePK().Exec(ctx); err != nil {
			return false, err
		}
		news = true
	}
	if r.Part == Teacher && r.Class.OpenedAt.IsZero() {
		r.Class.OpenedAt, r.Class.OpenedBy, news = now, account, true
		if _, err := tx.NewUpdate().Model(&r.Class).Column("opened_at", "opened_by").WherePK().Exec(ctx); err != nil {
			return false, err
		}
	}
	if news {
		err = moved(ctx, tx, r.Class.School, r.Class.Sitting)
	}
	return news, err
}

// made makes the class's row where there is none.
func made(ctx context.Context, tx database.Tx, r *room) error {
	if !r.Class.MadeAt.IsZero() {
		return nil
	}
	r.Class.MadeAt, r.Class.Version = database.Stamp(r.Now), 1
	_, err := tx.NewInsert().Model(&r.Class).On("CONFLICT (school, sitting) DO NOTHING").Exec(ctx)
	return err
}

// moved tells open pages that something of a class changed.
func moved(ctx context.Context, tx database.Tx, school, sitting string) error {
	_, err := tx.NewUpdate().Model((*Class)(nil)).Set("version = version + 1").Where("school = ? AND sitting = ?", school, sitting).Exec(ctx)
	return err
}

// ask puts somebody into the lobby.
func ask(ctx context.Context, tx database.Tx, r *room) error {
	if r.Door != DoorAsk {
		return nil // they are there, or wait, or were told no
	}
	if err := made(ctx, tx, r); err != nil {
		return err
	}
	e := Entry{School: r.Class.School, Sitting: r.Class.Sitting, Person: r.Person, Part: r.Part, State: Asked, AskedAt: database.Stamp(r.Now)}
	_, err := tx.NewInsert().Model(&e).On("CONFLICT (school, sitting, person) DO UPDATE").Set("part = EXCLUDED.part, state = EXCLUDED.state").Exec(ctx)
	if err != nil {
		return err
	}
	return moved(ctx, tx, r.Class.School, r.Class.Sitting)
}

// settle lets somebody in, refuses them or takes them out. The teachers are nobody's to settle.
func settle(ctx context.Context, tx database.Tx, r *room, person string, to State, by string) error {
	e := Entry{School: r.Class.School, Sitting: r.Class.Sitting, Person: person}
	err := tx.NewSelect().Model(&e).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (e.Part == Teacher || r.Sitting.In(person)) {
		return ErrNotFound
	}
	if err != nil || e.State == to {
		return err
	}
	switch {
	case to == Removed && e.State != In, to == Refused && e.State != Asked, to != In && to != Refused && to != Removed:
		return ErrNotFound
	}
	if to == In && e.Part == Pupil && !slices.ContainsFunc(r.Pupils, func(p directory.Person) bool { return p.ID == person }) {
		e.Part = Guest // let in by the teacher, not by an enrolment
	}
	e.State, e.SettledBy, e.SettledAt = to, by, database.Stamp(r.Now)
	if _, err := tx.NewUpdate().Model(&e).Column("part", "state", "settled_by", "settled_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	if to == Removed {
		if err := errors.Join(lower(ctx, tx, r, person, 0, r.Person), takeBack(ctx, tx, r, person, by)); err != nil {
			return err
		}
	}
	return moved(ctx, tx, r.Class.School, r.Class.Sitting)
}

// set changes what the teacher decides for the whole class.
func set(ctx context.Context, tx database.Tx, r *room, column string, value any) error {
	_, err := tx.NewUpdate().Model((*Class)(nil)).Set("? = ?", ident(column), value).Where("school = ? AND sitting = ?", r.Class.School, r.Class.Sitting).Exec(ctx)
	if err != nil {
		return err
	}
	return moved(ctx, tx, r.Class.School, r.Class.Sitting)
}

// entries lists who asked to enter, in the order in which they came.
func entries(ctx context.Context, tx database.Tx, school, sitting string) (rows []Entry, err error) {
	err = tx.NewSelect().Model(&rows).Where("cp.school = ? AND cp.sitting = ?", school, sitting).Order("cp.asked_at", "cp.person").Scan(ctx)
	return rows, err
}

// raise raises somebody's hand, once.
func raise(ctx context.Context, tx database.Tx, r *room) error {
	up, err := hands(ctx, tx, r.Class.School, r.Class.Sitting)
	if err != nil || slices.ContainsFunc(up, func(h Hand) bool { return h.Person == r.Person }) {
		return err
	}
	n, err := next(ctx, tx, "classroom_hands", r)
	if err != nil {
		return err
	}
	h := Hand{School: r.Class.School, Sitting: r.Class.Sitting, N: n, Person: r.Person, RaisedAt: database.Stamp(r.Now)}
	if _, err := tx.NewInsert().Model(&h).Exec(ctx); err != nil {
		return err
	}
	return moved(ctx, tx, r.Class.School, r.Class.Sitting)
}

// lower lowers a person's hand, or the hand of a number, or (neither) all of them.
func lower(ctx context.Context, tx database.Tx, r *room, person string, n int, by string) error {
	q := tx.NewUpdate().Model((*Hand)(nil)).Set("lowered_at = ?, lowered_by = ?", database.Stamp(r.Now), by).
		Where("school = ? AND sitting = ? AND lowered_at IS NULL", r.Class.School, r.Class.Sitting)
	if person != "" {
		q = q.Where("person = ?", person)
	}
	if n > 0 {
		q = q.Where("n = ?", n)
	}
	if _, err := q.Exec(ctx); err != nil {
		return err
	}
	return moved(ctx, tx, r.Class.School, r.Class.Sitting)
}

// hands lists the hands that are up, the first raised first.
func hands(ctx context.Context, tx database.Tx, school, sitting string) (rows []Hand, err error) {
	err = tx.NewSelect().Model(&rows).Where("ha.school = ? AND ha.sitting = ? AND ha.lowered_at IS NULL", school, sitting).Order("ha.n").Scan(ctx)
	return rows, err
}

// say keeps what somebody wrote. ErrTalk, ErrWords.
func say(ctx context.Context, tx database.Tx, r *room, text string) error {
	ok, toAll := mayWrite(r.Class, r.Part)
	if !ok {
		return ErrTalk
	}
	text = readable(text)
	if text == "" || utf8.RuneCountInString(text) > mostWords {
		return ErrWords
	}
	var own []Word
	err := tx.NewSelect().Model(&own).Column("n", "at").Where("wo.school = ? AND wo.sitting = ? AND wo.person = ?", r.Class.School, r.Class.Sitting, r.Person).Order("wo.n").Scan(ctx)
	if err != nil {
		return err
	}
	if k := len(own); k >= mostSaid || k > 0 && r.Now.Sub(own[k-1].At) < wordsEvery {
		return ErrWords
	}
	n, err := next(ctx, tx, "classroom_words", r)
	if err != nil {
		return err
	}
	w := Word{School: r.Class.School, Sitting: r.Class.Sitting, N: n, Person: r.Person, ToAll: toAll, Words: text, At: database.Stamp(r.Now)}
	if _, err := tx.NewInsert().Model(&w).Exec(ctx); err != nil {
		return err
	}
	return moved(ctx, tx, r.Class.School, r.Class.Sitting)
}

// readable leaves out what is no writing.
func readable(text string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return ' '
		case unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || c == utf8.RuneError:
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "")))
}

// hide takes a word from everybody but the teacher. ErrNotFound.
func hide(ctx context.Context, tx database.Tx, r *room, n int, by string) error {
	res, err := tx.NewUpdate().Model((*Word)(nil)).Set("hidden_at = ?, hidden_by = ?", database.Stamp(r.Now), by).
		Where("school = ? AND sitting = ? AND n = ? AND hidden_at IS NULL", r.Class.School, r.Class.Sitting, n).Exec(ctx)
	if err != nil {
		return err
	}
	if k, err := res.RowsAffected(); err != nil || k == 0 {
		return errors.Join(err, ErrNotFound)
	}
	return moved(ctx, tx, r.Class.School, r.Class.Sitting)
}

// words lists what was written in a class that somebody reads, in order.
func words(ctx context.Context, tx database.Tx, r *room) ([]Word, error) {
	var rows []Word
	err := tx.NewSelect().Model(&rows).Where("wo.school = ? AND wo.sitting = ?", r.Class.School, r.Class.Sitting).Order("wo.n").Scan(ctx)
	return slices.DeleteFunc(rows, func(w Word) bool { return !reads(w, r.Person, r.Part) }), err
}

// next is the number of what comes next in a class.
func next(ctx context.Context, tx database.Tx, table string, r *room) (int, error) {
	var last sql.NullInt64
	err := tx.NewSelect().TableExpr("?", ident(table)).ColumnExpr("max(n)").Where("school = ? AND sitting = ?", r.Class.School, r.Class.Sitting).Scan(ctx, &last)
	return int(last.Int64) + 1, err
}
