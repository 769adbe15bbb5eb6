package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// PointByID reads a contact point, at the moment a letter is claimed; ErrNotFound.
func PointByID(ctx context.Context, tx database.Tx, school, id string) (ContactPoint, error) {
	var p ContactPoint
	err := tx.NewSelect().Model(&p).Where("c.school = ? AND c.id = ?", school, id).Scan(ctx)
	return p, found(err)
}

func points(ctx context.Context, tx database.Tx, school string, people []string) (map[string][]ContactPoint, error) {
	var rows []ContactPoint
	err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.person IN (?)", school, bun.List(people)).Order("person", "channel", "id").Scan(ctx)
	out := map[string][]ContactPoint{}
	for _, p := range rows {
		out[p.Person] = append(out[p.Person], p)
	}
	return out, err
}

// Voice lists the numbers, mobile or not, at which a person can be telephoned.
func Voice(ctx context.Context, tx database.Tx, school string, people []string) (map[string][]ContactPoint, error) {
	if len(people) == 0 {
		return nil, nil
	}
	all, err := points(ctx, tx, school, people)
	for id, ps := range all {
		all[id] = slices.DeleteFunc(ps, func(p ContactPoint) bool { return p.Channel == Email || !p.EndedAt.IsZero() || p.Address == "" })
	}
	return all, err
}

// PointsWith lists the contact points of a school that have this channel and address,
// ended and stopped ones too: whose an address is, that wrote to us.
func PointsWith(ctx context.Context, tx database.Tx, school string, channel Channel, address string) ([]ContactPoint, error) {
	var rows []ContactPoint
	err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.channel = ? AND c.address = ?", school, channel, address).Order("id").Scan(ctx)
	return rows, err
}

// SchoolsOf lists the schools that have a contact point for SMS of this number, each with
// the number as it has it. A number that is not in E.164 is read as each school's region
// writes numbers: some networks bring 06 39 98 01 00.
func SchoolsOf(ctx context.Context, tx database.Tx, number string) (map[string]string, error) {
	out := map[string]string{}
	in := func(e164 string, of func(school string) bool) error {
		var schools []string
		err := tx.NewSelect().Model((*ContactPoint)(nil)).ColumnExpr("DISTINCT c.school").Where("c.channel = ? AND c.address = ?", SMS, e164).Scan(ctx, &schools)
		for _, s := range schools {
			if of(s) {
				out[s] = e164
			}
		}
		return err
	}
	if strings.HasPrefix(number, "+") {
		return out, in(number, func(string) bool { return true })
	}
	schools, err := Schools(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, region := range regionsOf(schools) {
		e164, _, ok := readPhone(number, region)
		if !ok {
			continue
		}
		if err := in(e164, func(id string) bool {
			return slices.ContainsFunc(schools, func(s School) bool { return s.ID == id && s.Region == region })
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func regionsOf(schools []School) []string {
	var regions []string
	for _, s := range schools {
		regions = append(regions, s.Region)
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// SameAddresses lists, for each contact point given, the ids of all those of the school
// that have the same channel and address: two guardians may share a number.
func SameAddresses(ctx context.Context, tx database.Tx, school string, given []ContactPoint) (map[string][]string, error) {
	out := map[string][]string{}
	var addresses []string
	for _, p := range given {
		addresses = append(addresses, p.Address)
	}
	for part := range slices.Chunk(addresses, 500) {
		var rows []ContactPoint
		if err := tx.NewSelect().Model(&rows).Column("id", "channel", "address").Where("c.school = ? AND c.channel IN (?) AND c.address IN (?)", school, bun.List([]Channel{Email, SMS, Phone}), bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		// An ORDER BY would have SQLite read the whole school in that order.
		slices.SortFunc(rows, func(a, b ContactPoint) int { return strings.Compare(a.ID, b.ID) })
		for _, p := range given {
			for _, same := range rows {
				if same.Channel == p.Channel && same.Address == p.Address {
					out[p.ID] = append(out[p.ID], same.ID)
				}
			}
		}
	}
	return out, nil
}
