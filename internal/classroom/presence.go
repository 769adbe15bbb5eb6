package classroom

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

func ident(name string) bun.Ident { return bun.Ident(name) }

// gapsUnder is the longest gap that is no absence: a stay goes on that was last seen less than
// that ago. Who is there is seen every pulse, so that one pulse missed closes nothing, and two do.
const (
	gapsUnder = 60 * time.Second
	pulse     = 25 * time.Second
)

// sight is that somebody is there now.
type sight struct {
	Sitting string
	Person  string
	Held    bool // a line of theirs was open all the time since they were last seen
	Breaks  int  // how often it came back by itself since
}

// seen goes on with the stays of people, or begins one. It tells which classes have somebody
// new. Whoever has no entry in the class is left out.
func seen(ctx context.Context, tx database.Tx, school string, all []sight, now time.Time) (news map[string]bool, err error) {
	now = database.Stamp(now)
	news = map[string]bool{}
	bySitting := map[string][]sight{}
	for _, s := range all {
		bySitting[s.Sitting] = append(bySitting[s.Sitting], s)
	}
	for sitting, some := range bySitting {
		people, err := entries(ctx, tx, school, sitting)
		if err != nil {
			return nil, err
		}
		in := map[string]bool{}
		for _, e := range people {
			in[e.Person] = e.State == In
		}
		last, err := lastStays(ctx, tx, school, sitting)
		if err != nil {
			return nil, err
		}
		for _, s := range some {
			if !in[s.Person] {
				continue
			}
			p, ok := last[s.Person]
			if ok && (s.Held || now.Sub(p.SeenAt) < gapsUnder) {
				if now.Before(p.SeenAt) {
					now = p.SeenAt // a clock that was put back shortens no stay
				}
				_, err = tx.NewUpdate().Model((*Presence)(nil)).Set("seen_at = ?, breaks = breaks + ?", now, s.Breaks).
					Where("school = ? AND sitting = ? AND person = ? AND from_at = ?", school, sitting, s.Person, p.FromAt).Exec(ctx)
			} else {
				p = Presence{School: school, Sitting: sitting, Person: s.Person, FromAt: now, SeenAt: now, Breaks: s.Breaks}
				_, err = tx.NewInsert().Model(&p).On("CONFLICT DO NOTHING").Exec(ctx)
				news[sitting] = true
			}
			if err != nil {
				return nil, err
			}
		}
		if news[sitting] {
			if err := moved(ctx, tx, school, sitting); err != nil {
				return nil, err
			}
		}
	}
	return news, nil
}

// lastStays gives the last stay of each person of a class.
func lastStays(ctx context.Context, tx database.Tx, school, sitting string) (map[string]Presence, error) {
	all, err := stays(ctx, tx, school, sitting)
	out := map[string]Presence{}
	for person, list := range all {
		out[person] = list[len(list)-1]
	}
	return out, err
}

// stays lists the stays in a class by person, in order.
func stays(ctx context.Context, tx database.Tx, school, sitting string) (map[string][]Presence, error) {
	var rows []Presence
	err := tx.NewSelect().Model(&rows).Where("pr.school = ? AND pr.sitting = ?", school, sitting).Order("pr.from_at").Scan(ctx)
	out := map[string][]Presence{}
	for _, p := range rows {
		out[p.Person] = append(out[p.Person], p)
	}
	return out, err
}

// here tells whether somebody who was last seen then is there now.
func here(p Presence, now time.Time) bool { return now.Sub(p.SeenAt) < gapsUnder }
