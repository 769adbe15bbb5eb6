package directory

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

// Readiness is what a school's directory holds on a day, and what in it is missing or
// doubtful. Every pupil has a class or is in NoClass, somebody who may be told or is in
// NoGuardian; every guardian is reachable, or in CallOnly or in Unreachable.
type Readiness struct {
	Pupils      int
	Classes     int
	Guardians   []string // ids of the adults who may be told about somebody
	Staff       []string // ids
	Empty       []Group  // classes without a pupil
	NoClass     []Person
	NoGuardian  []Person       // pupils about whom nobody may be told
	CallOnly    []GuardianOf   // guardians who have a number, and none that takes a message, nor a mail address
	Unreachable []GuardianOf   // guardians who have neither
	Tasks       map[string]int // open ones, by kind
}

// GuardianOf is a guardian, and one of the pupils about whom they may be told.
type GuardianOf struct{ Guardian, Pupil Person }

// ReadinessOf reads it. It asks the same question as an absence does (MayBeToldOf).
func ReadinessOf(ctx context.Context, tx database.Tx, school string, at time.Time) (r Readiness, err error) {
	s, err := SchoolByID(ctx, tx, school)
	if err != nil {
		return r, err
	}
	day, err := dayIn(s, at)
	if err != nil {
		return r, err
	}
	pupils, err := Of(ctx, tx, school, KindPupil, day)
	if err != nil {
		return r, err
	}
	staff, err := Of(ctx, tx, school, KindStaff, day)
	if err != nil {
		return r, err
	}
	for _, p := range staff {
		r.Staff = append(r.Staff, p.ID)
	}
	if err := r.classes(ctx, tx, school, day, pupils); err != nil {
		return r, err
	}
	if err := r.guardians(ctx, tx, school, at, pupils); err != nil {
		return r, err
	}
	open, err := OpenTasks(ctx, tx, school)
	r.Tasks = map[string]int{}
	for _, t := range open {
		r.Tasks[t.Kind]++
	}
	return r, err
}

func (r *Readiness) classes(ctx context.Context, tx database.Tx, school, day string, pupils []Person) error {
	groups, err := Groups(ctx, tx, school)
	if err != nil {
		return err
	}
	class, err := ClassIDs(ctx, tx, school, day)
	if err != nil {
		return err
	}
	r.Pupils = len(pupils)
	inhabited := map[string]bool{}
	for _, p := range pupils {
		if class[p.ID] == "" {
			r.NoClass = append(r.NoClass, p)
		}
		inhabited[class[p.ID]] = true
	}
	for _, g := range groups {
		if g.Kind != "class" {
			continue
		}
		r.Classes++
		if !inhabited[g.ID] {
			r.Empty = append(r.Empty, g)
		}
	}
	ByLabel(r.Empty)
	return nil
}

func (r *Readiness) guardians(ctx context.Context, tx database.Tx, school string, at time.Time, pupils []Person) error {
	ids := make([]string, len(pupils))
	for i, p := range pupils {
		ids[i] = p.ID
	}
	told := map[string]Told{}
	// In parts: one question would carry every id of the school.
	for part := range slices.Chunk(ids, 500) {
		some, err := MayBeToldOf(ctx, tx, school, part, at)
		if err != nil {
			return err
		}
		for id, t := range some {
			told[id] = t
		}
	}
	writable := map[string]bool{}
	first := map[string]GuardianOf{}
	for _, p := range pupils {
		if len(told[p.ID].Recipients) == 0 {
			r.NoGuardian = append(r.NoGuardian, p)
		}
		for _, g := range told[p.ID].Recipients {
			if g.Person.ID == p.ID {
				continue // of age, and told themselves
			}
			if _, seen := first[g.Person.ID]; !seen {
				first[g.Person.ID] = GuardianOf{g.Person, p}
				r.Guardians = append(r.Guardians, g.Person.ID)
			}
			writable[g.Person.ID] = writable[g.Person.ID] || len(g.Points) > 0
		}
	}
	var silent []string
	for _, id := range r.Guardians {
		if !writable[id] {
			silent = append(silent, id)
		}
	}
	voice := map[string][]ContactPoint{}
	for part := range slices.Chunk(silent, 500) {
		some, err := Voice(ctx, tx, school, part)
		if err != nil {
			return err
		}
		for id, points := range some {
			voice[id] = points
		}
	}
	for _, id := range silent {
		if len(voice[id]) > 0 {
			r.CallOnly = append(r.CallOnly, first[id])
		} else {
			r.Unreachable = append(r.Unreachable, first[id])
		}
	}
	return nil
}

// TaskCount is the number of open tasks.
func (r Readiness) TaskCount() (n int) {
	for _, k := range r.Tasks {
		n += k
	}
	return n
}
