package table

import (
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Columns says where in a header each known column stands.
type Columns struct {
	at      map[string]int
	Unknown []string // columns that nobody asked for, as written: kept aside
	Spelled []Spelled
}

// Spelled is a column taken for another that it nearly is.
type Spelled struct{ Written, Taken string }

var (
	whyTwice     = intake.Why("deux colonnes pour « %s » : « %s » et « %s » ; gardez-en une", "two columns for %q: %q and %q; keep one")
	whyAmbiguous = intake.Why("colonne « %s » : mal écrite, elle pourrait être « %s » ou « %s » ; corrigez l'en-tête", "column %q: misspelled, it could be %q or %q; correct the header")
	whyMissing   = intake.Why("colonne « %s » absente de l'en-tête (colonnes lues : %s)", "column %q is missing from the header (columns read: %s)")
)

// Match finds the known columns in a header. Case, spaces, hyphens and underscores do
// not count; aliases are other names of a known column; and a name that is one or two
// letters from exactly one known column that is not there otherwise is taken for it.
// The error is a *Stop: a column that is there twice, or could be two.
func Match(header, known []string, aliases map[string]string) (Columns, error) {
	c := Columns{at: map[string]int{}}
	plain := map[string]string{}
	for name, of := range aliases {
		plain[fold(name)] = of
	}
	for _, k := range known {
		plain[fold(k)] = k
	}
	var rest []int
	for i, h := range header {
		k, ok := plain[fold(h)]
		if !ok {
			rest = append(rest, i)
			continue
		}
		if err := c.put(header, k, i); err != nil {
			return c, err
		}
	}
	for _, i := range rest {
		var near []string
		for _, k := range known {
			if _, there := c.at[k]; !there && nearly(fold(header[i]), fold(k)) {
				near = append(near, k)
			}
		}
		switch len(near) {
		case 0:
			if strings.TrimSpace(header[i]) != "" {
				c.Unknown = append(c.Unknown, header[i])
			}
		case 1:
			if err := c.put(header, near[0], i); err != nil {
				return c, err
			}
			c.Spelled = append(c.Spelled, Spelled{header[i], near[0]})
		default:
			return c, &intake.Stop{Line: 1, Reason: whyAmbiguous, Args: []any{intake.Shorten(header[i]), near[0], near[1]}}
		}
	}
	return c, nil
}

func (c *Columns) put(header []string, k string, i int) error {
	if before, twice := c.at[k]; twice {
		return &intake.Stop{Line: 1, Reason: whyTwice, Args: []any{k, intake.Shorten(header[before]), intake.Shorten(header[i])}}
	}
	c.at[k] = i
	return nil
}

// Need refuses a header that lacks one of these columns.
func (c Columns) Need(header []string, columns ...string) error {
	for _, k := range columns {
		if _, ok := c.at[k]; !ok {
			return &intake.Stop{Line: 1, Reason: whyMissing, Args: []any{k, intake.Shorten(strings.Join(header, ", "))}}
		}
	}
	return nil
}

// Has says whether the column is there.
func (c Columns) Has(column string) bool { _, ok := c.at[column]; return ok }

// Of gives the cell of a column, without the blanks around it; "" where the column is
// not there.
func (c Columns) Of(cells []string, column string) string {
	i, ok := c.at[column]
	if !ok || i >= len(cells) {
		return ""
	}
	return strings.Join(strings.Fields(cells[i]), " ")
}

// fold leaves the letters and digits of a name, in lower case.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '_' || r == '-' || r == '.' || r == 0xA0:
			return -1
		}
		return r
	}, strings.ToLower(strings.TrimSpace(s)))
}

// nearly says whether a name is misspelled and not another name: one letter off in a
// name of six letters or more, two in one of twelve.
func nearly(a, b string) bool {
	allowed := 0
	switch n := min(len(a), len(b)); {
	case n >= 12:
		allowed = 2
	case n >= 6:
		allowed = 1
	}
	return allowed > 0 && distance(a, b, allowed) <= allowed
}

// distance counts the letters added, left out, changed or swapped with their neighbour,
// and stops counting beyond most.
func distance(a, b string, most int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > most || -d > most {
		return most + 1
	}
	rows := [3][]int{make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(x); i++ {
		now, last, before := rows[2], rows[1], rows[0]
		now[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, now, before
	}
	return rows[1][len(y)]
}
