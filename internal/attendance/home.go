package attendance

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Finding is what is known of an absence from a class at home: whether the pupil was absent, or
// something of ours may have kept them away.
type Finding string

// Findings. Only FoundAbsent is an absence; of every other the office decides, and never a
// machine. NotFound: nobody has looked yet.
const (
	NotFound      Finding = ""
	FoundAbsent   Finding = "absent"   // nothing of ours can have kept them away, and they did not come
	FoundCame     Finding = "came"     // they came to the class, or to its door
	FoundLine     Finding = "line"     // they waited in our line, or may have
	FoundThrown   Finding = "thrown"   // our failure threw them out
	FoundBreaking Finding = "breaking" // their own line kept breaking
	FoundOutage   Finding = "outage"   // we were not there all the time
	FoundUnknown  Finding = "unknown"  // nobody can tell whether they waited
	FoundNoClass  Finding = "noclass"  // nobody in charge opened the class
)

type findingRow struct {
	bun.BaseModel `bun:"table:attendance_home_findings,alias:hf"`
	School        string `bun:",pk"`
	N             int64  `bun:",pk"`
	Finding       Finding
	At            time.Time
}

// HomeFindings gives what was found of marks, by number.
func HomeFindings(ctx context.Context, tx database.Tx, school string, ns []int64) (map[int64]Finding, error) {
	out := map[int64]Finding{}
	for part := range slices.Chunk(ns, 500) {
		var rows []findingRow
		if err := tx.NewSelect().Model(&rows).Where("hf.school = ? AND hf.n IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.N] = r.Finding
		}
	}
	return out, nil
}

// FindHome keeps what was found of an absent mark of a pupil at home, and gives what holds: what
// once may have been our doing stays so.
func FindHome(ctx context.Context, tx database.Tx, now time.Time, school string, n int64, f Finding) (Finding, error) {
	was, err := HomeFindings(ctx, tx, school, []int64{n})
	if err != nil {
		return NotFound, err
	}
	row := findingRow{School: school, N: n, Finding: f, At: database.Stamp(now)}
	switch known, ok := was[n]; {
	case !ok:
		_, err = tx.NewInsert().Model(&row).Exec(ctx)
	case known != FoundAbsent || f == FoundAbsent:
		return known, nil
	default:
		_, err = tx.NewUpdate().Model(&row).Column("finding", "at").WherePK().Exec(ctx)
	}
	return f, err
}

// Proposal is what the roll proposes of a pupil at home, from how they came to the class. It is
// no mark until somebody saves the roll.
type Proposal struct {
	Value   Value // Unsaid: nothing is proposed
	Minutes int
	Note    string // in the reader's language
}
