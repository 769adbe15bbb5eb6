package drill

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// TestYear lives the school year on both databases: what must always hold holds after each of
// its days, and on the last one a page asks no more, reads no table that grew from one end to
// the other, and is no longer than after the first weeks. What it costs in time is make drills'.
func TestYear(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			var evenings []evening
			o := Options{Program: theProgram, Scale: 0.05, Seed: 3, Log: &log, quick: true, day: func(y *schoolYear) error {
				e, err := y.evening(t)
				evenings = append(evenings, e)
				return err
			}}
			if engine == database.Postgres {
				o.Database = databasetest.NewPostgres(t)
			}
			r, err := Run(t.Context(), "year", o)
			if err != nil {
				t.Fatalf("%v\n%s", err, log.String())
			}
			r.WriteTable(&log)
			for _, name := range []string{"days", "invariants_broken", "wrong_messages", "duplicates", "missed", "held_without_reason", "unexplained"} {
				i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == name })
				if i < 0 || !r.Checks[i].OK {
					t.Errorf("%s is not what it must be\n%s", name, log.String())
				}
			}
			for _, name := range []string{"messages_at_sink", "exceptional_days", "stopped_days", "gestures", "guardians_answers", "justified", "substitutes", "telephoned"} {
				if r.Figures[name] == 0 {
					t.Errorf("%s is 0: this year could not fail", name)
				}
			}
			if len(evenings) != 2 {
				t.Fatalf("%d evenings were looked at", len(evenings))
			}
			compare(t, engine, evenings[0], evenings[1])
		})
	}
}

// TestYearSees: what a program with a fault sends is seen on the evening of its day.
func TestYearSees(t *testing.T) {
	for name, o := range map[string]Options{
		"one-message-more": {leak: leaking([]string{"evening"})},
		"twice":            {plant: oneTwice()},
		"one-missed":       {plant: oneMissed()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Program, o.Scale, o.Seed, o.quick, o.days = theProgram, 0.05, 3, true, 2
			r, err := Run(t.Context(), "year", o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Passed || r.Figures["invariants_broken"] == 0 {
				t.Errorf("the fault was not seen: %v", r.Figures)
			}
		})
	}
}

// evening is what pages ask and say on the evening of a day, and how many rows each table has.
type evening struct {
	asks    map[string][2]int // by page: of a program that just began, and when it is asked again
	bytes   map[string]int
	scanned map[string][]string // by page: tables that a statement reads from one end to the other
	read    map[string]int      // by page: rows that PostgreSQL looked at
	rows    map[string]int
}

// evening opens the installation beside the drill, overheard, and asks for each page twice.
func (y *schoolYear) evening(t *testing.T) (e evening, err error) {
	e = evening{asks: map[string][2]int{}, bytes: map[string]int{}, scanned: map[string][]string{}, read: map[string]int{}, rows: map[string]int{}}
	day := y.days[y.lived-1]
	for _, p := range y.pages(day) {
		var mu sync.Mutex
		var heard []string
		a, err := app.Open(t.Context(), y.config(), app.Options{Log: slog.New(slog.DiscardHandler), Clock: app.StandingClock(y.now), For: app.Installing,
			Asked: func(q string) {
				mu.Lock()
				heard = append(heard, q)
				mu.Unlock()
			}})
		if err != nil {
			return e, err
		}
		server := httptest.NewServer(a.Handler())
		jar, err := cookiejar.New(nil)
		if err != nil {
			return e, err
		}
		who := &person{name: p.who, http: &http.Client{Jar: jar}, base: server.URL, identifier: y.Identifier(p.who), password: y.Password}
		if err := who.signIn(); err != nil {
			return e, err
		}
		var asks [2]int
		for i := range asks {
			heard = nil
			status, text, err := who.get(p.path)
			if err != nil || status != http.StatusOK {
				t.Fatalf("%s: %d %v", p.name, status, err)
			}
			asks[i], e.bytes[p.name] = len(heard), len(text)
			for _, q := range heard {
				scanned, read := plan(t, a.DB, q)
				e.scanned[p.name] = append(e.scanned[p.name], scanned...)
				e.read[p.name] += read
			}
		}
		e.asks[p.name] = asks
		if len(e.rows) == 0 {
			e.rows = counts(t, a.DB)
			// This could not fail if a scan were not recognised.
			for _, q := range []string{`SELECT count(*) FROM "attendance_marks" AS "m" WHERE m.minutes = 7`, "SELECT count(*) FROM attendance_marks WHERE minutes = 7"} {
				if s, _ := plan(t, a.DB, q); len(s) != 1 || !strings.HasPrefix(s[0], "attendance_marks: ") {
					t.Fatalf("%s is not seen to read the whole table: %v", q, s)
				}
			}
		}
		server.Close()
		if err := a.Close(); err != nil {
			return e, err
		}
	}
	return e, nil
}

// compare holds the last evening against the first.
func compare(t *testing.T, engine database.Engine, first, last evening) {
	grown := map[string]bool{}
	for table, n := range last.rows {
		if n > 200 && n > 2*first.rows[table] {
			grown[table] = true
		}
	}
	for _, must := range []string{"attendance_marks", "courier_letters", "alert_episodes", "journal_lines"} {
		if !grown[must] {
			t.Errorf("%s: %d rows, and %d in the end: nothing grew that could be read", must, first.rows[must], last.rows[must])
		}
	}
	t.Logf("%s: tables that grew: %v", engine, slices.Sorted(maps.Keys(grown)))
	for _, page := range slices.Sorted(maps.Keys(last.asks)) {
		a, b := first.asks[page], last.asks[page]
		t.Logf("%s: %s asks %v, %v in the end; %d bytes, %d in the end; looks at %d rows, %d in the end", engine, page, a, b, first.bytes[page], last.bytes[page], first.read[page], last.read[page])
		if b[0] > a[0] || b[1] > a[1] || b[1] == 0 {
			t.Errorf("%s asks %v after some weeks and %v at the end of the year", page, a, b)
		}
		if float64(last.bytes[page]) > 1.3*float64(first.bytes[page]) {
			t.Errorf("%s has %d bytes after some weeks and %d at the end of the year", page, first.bytes[page], last.bytes[page])
		}
		if r, most := last.read[page], first.read[page]*3/2+100; engine == database.Postgres && (r > most || r == 0) {
			t.Errorf("%s looks at %d rows after some weeks and at %d at the end of the year", page, first.read[page], r)
		}
		seen := map[string]bool{}
		for _, s := range last.scanned[page] {
			table, _, _ := strings.Cut(s, ": ")
			if grown[table] && !seen[s] {
				seen[s] = true
				t.Errorf("%s reads all of %s", page, s)
			}
		}
	}
}

var (
	sources  = regexp.MustCompile(`(?i)\b(?:FROM|JOIN)\s+"?(\w+)"?(?:\s+(?:AS\s+)?"?(\w+)"?)?`)
	scanLine = regexp.MustCompile(`(?:SCAN|Seq Scan on) (\w+)`)
	nodeLine = regexp.MustCompile(`Scan .*\(actual rows=([\d.]+) loops=(\d+)\)`)
	leftLine = regexp.MustCompile(`Rows Removed by (?:Filter|Index Recheck): (\d+)`)
)

// plan names the tables that a statement reads from one end to the other, each with the
// statement, and of PostgreSQL how many rows it looks at: those that it finds, and those that it
// finds and does not want. It is asked for a plan in which it reads a whole table only where it
// has to.
func plan(t *testing.T, db *database.DB, q string) (out []string, read int) {
	if !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(q)), "SELECT") && !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(q)), "WITH") {
		return nil, 0
	}
	alias := map[string]string{}
	for _, m := range sources.FindAllStringSubmatch(q, -1) {
		alias[m[1]] = m[1]
		if m[2] != "" {
			alias[m[2]] = m[1]
		}
	}
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		explain := "EXPLAIN QUERY PLAN "
		if db.Engine() == database.Postgres {
			if _, err := tx.NewRaw("SET LOCAL enable_seqscan = off").Exec(ctx); err != nil {
				return err
			}
			explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "
		}
		rows, err := tx.QueryContext(ctx, explain+strings.ReplaceAll(q, "?", `\?`))
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		loops := 1
		for rows.Next() {
			fields := make([]any, len(columns))
			var line string
			for i := range fields {
				fields[i] = new(any)
			}
			fields[len(fields)-1] = &line
			if err := rows.Scan(fields...); err != nil {
				return err
			}
			if m := nodeLine.FindStringSubmatch(line); m != nil {
				each, err1 := strconv.ParseFloat(m[1], 64)
				n, err2 := strconv.Atoi(m[2])
				if err := errors.Join(err1, err2); err != nil {
					return err
				}
				loops = n
				read += int(each) * n
			}
			if m := leftLine.FindStringSubmatch(line); m != nil { // of the node above, on average
				n, err := strconv.Atoi(m[1])
				if err != nil {
					return err
				}
				read += n * loops
			}
			if m := scanLine.FindStringSubmatch(line); m != nil {
				out = append(out, alias[m[1]]+": "+strings.Join(strings.Fields(q), " "))
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%v: %s", err, q)
	}
	return out, read
}

// counts counts the rows of each table.
func counts(t *testing.T, db *database.DB) map[string]int {
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if db.Engine() == database.Postgres {
		list = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	out := map[string]int{}
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		var names []string
		if err := tx.NewRaw(list).Scan(ctx, &names); err != nil {
			return err
		}
		for _, name := range names {
			var n int
			if err := tx.NewRaw(`SELECT count(*) FROM "`+name+`"`).Scan(ctx, &n); err != nil {
				return err
			}
			out[name] = n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
