package classroom

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Floor is what somebody may send to their class, each apart. To may is not to do: nobody's
// microphone or camera is ever opened from here.
type Floor struct{ Microphone, Camera, Screen bool }

// Source is one of the things that a floor gives.
type Source string

// Sources.
const (
	Microphone Source = "microphone"
	Camera     Source = "camera"
	Screen     Source = "screen"
)

// voice is what the teacher said of one person's microphone: nothing, so that they have what
// the class has; that they have it; that they have it no more, whatever the class has.
type voice string

const (
	asClass voice = "class"
	given   voice = "given"
	taken   voice = "taken"
)

// said is what the teacher said of one person's floor.
type said struct {
	bun.BaseModel `bun:"table:classroom_floor,alias:fl"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	Person        string `bun:",pk"`
	Microphone    voice
	Camera        bool
	Screen        bool
	ChangedBy     string
	ChangedAt     time.Time
}

// floorOf is what somebody may send. Whoever is in charge may send everything; a pupil and a
// guest only what they were given.
func floorOf(c Class, part Part, s said) Floor {
	if part == Teacher {
		return Floor{Microphone: true, Camera: true, Screen: true}
	}
	return Floor{Microphone: s.Microphone == given || c.Microphones && s.Microphone != taken, Camera: s.Camera, Screen: s.Screen}
}

// exceeds tells whether somebody sends what they may not.
func (f Floor) exceeds(may Floor) bool {
	return f.Microphone && !may.Microphone || f.Camera && !may.Camera || f.Screen && !may.Screen
}

// floors lists what the teacher said in a class, by person.
func floors(ctx context.Context, tx database.Tx, school, sitting string) (map[string]said, error) {
	var rows []said
	err := tx.NewSelect().Model(&rows).Where("fl.school = ? AND fl.sitting = ?", school, sitting).Scan(ctx)
	out := map[string]said{}
	for _, s := range rows {
		out[s.Person] = s
	}
	return out, err
}

// give gives one person something, or takes it away. ErrNotFound for whoever is not in the
// class, or in charge of it.
func give(ctx context.Context, tx database.Tx, r *room, person string, what Source, yes bool, by string) error {
	e := Entry{School: r.Class.School, Sitting: r.Class.Sitting, Person: person}
	err := tx.NewSelect().Model(&e).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (e.State != In || e.Part == Teacher || r.Sitting.In(person)) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	s := said{School: e.School, Sitting: e.Sitting, Person: person}
	if err := tx.NewSelect().Model(&s).WherePK().Scan(ctx); errors.Is(err, sql.ErrNoRows) {
		s.Microphone = asClass
	} else if err != nil {
		return err
	}
	switch what {
	case Microphone:
		s.Microphone = taken
		if yes {
			s.Microphone = given
		}
	case Camera:
		s.Camera = yes
	case Screen:
		s.Screen = yes
	default:
		return ErrNotFound
	}
	s.ChangedBy, s.ChangedAt = by, database.Stamp(r.Now)
	_, err = tx.NewInsert().Model(&s).On("CONFLICT (school, sitting, person) DO UPDATE").
		Set("microphone = EXCLUDED.microphone, camera = EXCLUDED.camera, screen = EXCLUDED.screen, changed_by = EXCLUDED.changed_by, changed_at = EXCLUDED.changed_at").Exec(ctx)
	if err != nil {
		return err
	}
	return moved(ctx, tx, e.School, e.Sitting)
}

// giveAll lets everybody open their microphone, or nobody. Whose microphone was taken keeps
// silent all the same, until it is given to them by name.
func giveAll(ctx context.Context, tx database.Tx, r *room, yes bool, by string) error {
	if !yes {
		_, err := tx.NewUpdate().Model((*said)(nil)).Set("microphone = ?, changed_by = ?, changed_at = ?", asClass, by, database.Stamp(r.Now)).
			Where("school = ? AND sitting = ? AND microphone = ?", r.Class.School, r.Class.Sitting, given).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return set(ctx, tx, r, "microphones", yes)
}

// takeBack takes from whoever is put out all that they were given: let back, they begin anew.
// A microphone that was taken stays taken.
func takeBack(ctx context.Context, tx database.Tx, r *room, person, by string) error {
	_, err := tx.NewUpdate().Model((*said)(nil)).
		Set("microphone = CASE microphone WHEN ? THEN ? ELSE microphone END, camera = FALSE, screen = FALSE, changed_by = ?, changed_at = ?", given, asClass, by, database.Stamp(r.Now)).
		Where("school = ? AND sitting = ? AND person = ?", r.Class.School, r.Class.Sitting, person).Exec(ctx)
	return err
}

// Member is somebody as the engine is told of them.
type Member struct {
	Name string // that the others read
	Floor
}

// MayEnter says what a person may send in the sound and picture of a class now; ErrNotIn where
// they may not be in it. It is asked at each connection and reconnection: somebody who is
// enrolled or was let in, who came by the class's own page, was not taken out, in a class that
// somebody in charge opened and did not end.
func (p *Pages) MayEnter(ctx context.Context, school, person, sitting string) (m Member, err error) {
	if m, ok := trial(person, sitting); ok {
		return m, nil
	}
	err = p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		r, err := roomOf(ctx, tx, school, sitting, person, p.Now())
		if errors.Is(err, ErrNotFound) {
			return ErrNotIn
		}
		if err != nil {
			return err
		}
		if person == "" || !r.inside() || r.Class.OpenedAt.IsZero() || !r.Class.EndedAt.IsZero() {
			return ErrNotIn
		}
		all, err := floors(ctx, tx, school, sitting)
		if err != nil {
			return err
		}
		names, err := directory.Names(ctx, tx, school, []string{person})
		if err != nil {
			return err
		}
		m.Name, m.Floor = names[person].ShortName(), floorOf(r.Class, r.Part, all[person])
		if r.Part == Teacher {
			m.Name = names[person].FullName()
		}
		return nil
	})
	return m, err
}

// floor gives the floor or takes it: to one person what is named, to everybody the microphone.
func (p *Pages) floor(ctx context.Context, tx database.Tx, r *room, v page.Viewer, f url.Values) (string, map[string]string, error) {
	what, person, yes := Source(f.Get("what")), f.Get("person"), f.Get("give") == "yes"
	act, detail := "class.floor.taken", map[string]string{"what": string(what)}
	if yes {
		act = "class.floor.given"
	}
	if person == "" {
		if what != Microphone {
			return "", nil, ErrNotFound
		}
		return act, detail, giveAll(ctx, tx, r, yes, v.Account)
	}
	detail["person"] = person
	return act, detail, give(ctx, tx, r, person, what, yes, v.Account)
}
