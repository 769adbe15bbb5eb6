package timetable

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// Home is a run of days on which some pupils follow their sittings from home: everybody, or
// the levels, groups and pupils that it names. Who joins one of the groups later is at home
// too. It changes no sitting: the same sittings are classes at home for those pupils.
type Home struct {
	bun.BaseModel `bun:"table:timetable_home,alias:h"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Reason        string // of HomeReasons
	Whole         bool
	FromOn        string // first day
	UntilOn       string // last day
	OpenedBy      string // account
	OpenedAt      time.Time
	WithdrawnOn   string // first day on which it no longer holds; empty: none
	WithdrawnBy   string
	WithdrawnAt   time.Time `bun:",nullzero"`

	Levels []string `bun:"-"` // as directory.YearOf reads them from labels of classes
	Groups []string `bun:"-"`
	Pupils []string `bun:"-"`
}

// homeOf is one of the levels, groups and pupils of a Home.
type homeOf struct {
	bun.BaseModel `bun:"table:timetable_home_of,alias:ho"`
	School        string `bun:",pk"`
	Home          string `bun:",pk"`
	Kind          string `bun:",pk"`
	What          string `bun:",pk"`
}

// Refusals of days at home.
var (
	// ErrHomeReason: no such reason.
	ErrHomeReason = errors.New("timetable: no such reason for days at home")
	// ErrHomeWhom: days at home are the whole school's, or somebody's who is there.
	ErrHomeWhom = errors.New("timetable: nobody is named who would be at home")
)

// longestHome is how many days at home one decision covers: a term.
const longestHome = 120

// HomeReasons lists the reasons of days at home. Teachers are told none of them.
func HomeReasons() []string {
	return []string{"closed", "weather", "strike", "works", "illness", "suspension", "other"}
}

// On tells whether it holds on a day. Days before it was withdrawn stay what they were.
func (h Home) On(day string) bool {
	return h.FromOn <= day && day <= h.UntilOn && (h.WithdrawnOn == "" || day < h.WithdrawnOn)
}

// Check refuses days at home that cannot be: today is when they are opened, since nobody was
// at home yesterday because of what is said today.
func (h Home) Check(today string) error {
	from, err := time.Parse(dayForm, h.FromOn)
	if err != nil || CheckDay(h.UntilOn) != nil || h.UntilOn < h.FromOn || h.FromOn < today {
		return ErrDay
	}
	if last := from.AddDate(0, 0, longestHome).Format(dayForm); h.UntilOn > last {
		return ErrDay
	}
	if !slices.Contains(HomeReasons(), h.Reason) {
		return ErrHomeReason
	}
	named := len(h.Levels) + len(h.Groups) + len(h.Pupils)
	if h.Whole == (named > 0) {
		return ErrHomeWhom
	}
	return nil
}

// OpenHome keeps days at home. ErrDay, ErrHomeReason, ErrHomeWhom: also for who is not of the
// school.
func OpenHome(ctx context.Context, tx database.Tx, h Home, now time.Time, zone *time.Location) (Home, error) {
	for _, list := range []*[]string{&h.Levels, &h.Groups, &h.Pupils} {
		*list = slices.Compact(slices.Sorted(slices.Values(*list)))
	}
	if err := h.Check(Day(now, zone)); err != nil {
		return h, err
	}
	groups, err := directory.Groups(ctx, tx, h.School)
	if err != nil {
		return h, err
	}
	people, err := directory.Names(ctx, tx, h.School, h.Pupils)
	if err != nil {
		return h, err
	}
	for _, level := range h.Levels {
		if !slices.Contains(levelsOf(groups), level) {
			return h, ErrHomeWhom
		}
	}
	for _, id := range h.Groups {
		if !slices.ContainsFunc(groups, func(g directory.Group) bool { return g.ID == id }) {
			return h, ErrHomeWhom
		}
	}
	for _, id := range h.Pupils {
		if p, ok := people[id]; !ok || p.Kind != directory.KindPupil || p.LeftOn != "" && p.LeftOn <= h.FromOn {
			return h, ErrHomeWhom
		}
	}
	h.ID, h.OpenedAt = database.NewID(), database.Stamp(now)
	if _, err := tx.NewInsert().Model(&h).Exec(ctx); err != nil {
		return h, err
	}
	var rows []homeOf
	for kind, list := range map[string][]string{"level": h.Levels, "group": h.Groups, "pupil": h.Pupils} {
		for _, what := range list {
			rows = append(rows, homeOf{School: h.School, Home: h.ID, Kind: kind, What: what})
		}
	}
	return h, insert(ctx, tx, rows)
}

// WithdrawHome takes days at home back: from today on they no longer hold. What was withdrawn
// already stays so. ErrNotFound.
func WithdrawHome(ctx context.Context, tx database.Tx, school, id, by string, now time.Time, zone *time.Location) (Home, error) {
	h := Home{School: school, ID: id}
	err := tx.NewSelect().Model(&h).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return h, ErrNotFound
	}
	if err != nil || h.WithdrawnOn != "" {
		return h, err
	}
	h.WithdrawnOn, h.WithdrawnBy, h.WithdrawnAt = Day(now, zone), by, database.Stamp(now)
	_, err = tx.NewUpdate().Model(&h).Column("withdrawn_on", "withdrawn_by", "withdrawn_at").WherePK().Exec(ctx)
	return h, err
}

// Homes lists days at home that are not over before a day, by their beginning; the withdrawn
// ones too.
func Homes(ctx context.Context, tx database.Tx, school, since string) ([]Home, error) {
	var rows []Home
	err := tx.NewSelect().Model(&rows).Where("h.school = ? AND h.until_on >= ?", school, since).Order("h.from_on", "h.opened_at", "h.id").Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	at, ids := map[string]int{}, make([]string, len(rows))
	for i, h := range rows {
		at[h.ID], ids[i] = i, h.ID
	}
	for part := range slices.Chunk(ids, 500) {
		var of []homeOf
		if err := tx.NewSelect().Model(&of).Where("ho.school = ? AND ho.home IN (?)", school, bun.List(part)).Order("ho.what").Scan(ctx); err != nil {
			return nil, err
		}
		for _, o := range of {
			h := &rows[at[o.Home]]
			switch o.Kind {
			case "level":
				h.Levels = append(h.Levels, o.What)
			case "group":
				h.Groups = append(h.Groups, o.What)
			case "pupil":
				h.Pupils = append(h.Pupils, o.What)
			}
		}
	}
	return rows, nil
}

// AtHome tells which of some pupils are at home on a day, and by which decision: one that
// names the pupil before one that names a class, and the whole school last.
func AtHome(ctx context.Context, tx database.Tx, school string, pupils []string, day string) (map[string]Home, error) {
	out := map[string]Home{}
	if len(pupils) == 0 {
		return out, nil
	}
	homes, err := Homes(ctx, tx, school, day)
	homes = slices.DeleteFunc(homes, func(h Home) bool { return !h.On(day) })
	if err != nil || len(homes) == 0 {
		return out, err
	}
	slices.SortStableFunc(homes, func(a, b Home) int { return cmp.Compare(a.breadth(), b.breadth()) })
	groups, err := directory.GroupsOf(ctx, tx, school, pupils, day)
	if err != nil {
		return nil, err
	}
	levels := map[string]string{} // of classes
	if slices.ContainsFunc(homes, func(h Home) bool { return len(h.Levels) > 0 }) {
		all, err := directory.Groups(ctx, tx, school)
		if err != nil {
			return nil, err
		}
		for _, g := range all {
			if g.Kind == "class" {
				levels[g.ID] = directory.YearOf(g.Label)
			}
		}
	}
	for _, p := range pupils {
		for _, h := range homes {
			if h.has(p, groups[p], levels) {
				out[p] = h
				break
			}
		}
	}
	return out, nil
}

func (h Home) breadth() int {
	switch {
	case h.Whole:
		return 2
	case len(h.Levels)+len(h.Groups) > 0:
		return 1
	}
	return 0
}

func (h Home) has(pupil string, groups []string, levels map[string]string) bool {
	return h.Whole || slices.Contains(h.Pupils, pupil) || slices.ContainsFunc(groups, func(g string) bool {
		return slices.Contains(h.Groups, g) || levels[g] != "" && slices.Contains(h.Levels, levels[g])
	})
}

// levelsOf lists the levels that a school's classes have.
func levelsOf(groups []directory.Group) []string {
	var all []string
	for _, g := range groups {
		if level := directory.YearOf(g.Label); g.Kind == "class" && level != "" {
			all = append(all, level)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.Compact(all)
}

// HomeSitting is one sitting of a day that some pupils follow from home.
type HomeSitting struct {
	Sitting Sitting
	Classes string // labels of its groups
	Home    int    // how many are at home
	Pupils  int    // of how many
}

// HomeOfStaff lists the sittings of a day that a person is in charge of and that some pupils
// follow from home.
func HomeOfStaff(ctx context.Context, tx database.Tx, school, person, day string) ([]HomeSitting, error) {
	homes, err := Homes(ctx, tx, school, day)
	if err != nil || !slices.ContainsFunc(homes, func(h Home) bool { return h.On(day) }) {
		return nil, err // on nearly every day of the year
	}
	sittings, err := OfStaff(ctx, tx, school, person, day)
	if err != nil {
		return nil, err
	}
	n, err := namesOf(ctx, tx, school, day)
	if err != nil {
		return nil, err
	}
	var out []HomeSitting
	for _, s := range sittings {
		pupils, err := Pupils(ctx, tx, school, s)
		if err != nil {
			return nil, err
		}
		at, err := AtHome(ctx, tx, school, ids(pupils), day)
		if err != nil {
			return nil, err
		}
		if len(at) > 0 && !s.Cancelled() {
			out = append(out, HomeSitting{Sitting: s, Classes: n.labels(s), Home: len(at), Pupils: len(pupils)})
		}
	}
	return out, nil
}

// HomeChild is one pupil's day at home.
type HomeChild struct {
	Pupil    directory.Person
	Home     Home
	Sittings []Sitting // of the day, without the cancelled ones
}

// HomeOfPupils gives the days at home of those pupils who are.
func HomeOfPupils(ctx context.Context, tx database.Tx, school string, pupils []directory.Person, day string) ([]HomeChild, error) {
	at, err := AtHome(ctx, tx, school, ids(pupils), day)
	if err != nil || len(at) == 0 {
		return nil, err
	}
	groups, err := directory.GroupsOf(ctx, tx, school, ids(pupils), day)
	if err != nil {
		return nil, err
	}
	var out []HomeChild
	for _, p := range pupils {
		h, ok := at[p.ID]
		if !ok {
			continue
		}
		sittings, err := OfGroups(ctx, tx, school, groups[p.ID], day)
		if err != nil {
			return nil, err
		}
		out = append(out, HomeChild{Pupil: p, Home: h, Sittings: slices.DeleteFunc(sittings, Sitting.Cancelled)})
	}
	return out, nil
}

func ids(people []directory.Person) []string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = p.ID
	}
	return out
}
