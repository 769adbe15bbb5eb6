package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// What capabilities know of people who came with an import keeps it: a roll, a message, an
// account, a lesson, and whatever the database alone knows of. Each says what it is.
func TestWhatLeansOnAnImport(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	type world struct {
		school, pupil, adult, class, contact string
	}
	lesson := func(w world) timetable.Sitting {
		return timetable.Sitting{School: w.school, ID: "s", Kind: timetable.Lesson, Label: "Maths", ShortLabel: "maths", Day: "2026-11-24", StartsAt: now, EndsAt: now.Add(time.Hour), Source: "page", SourceKey: "s"}
	}
	for name, c := range map[string]struct {
		do   func(ctx context.Context, tx database.Tx, w world) error
		want string
	}{
		"nothing": {func(context.Context, database.Tx, world) error { return nil }, ""},
		"a roll": {func(ctx context.Context, tx database.Tx, w world) error {
			s := lesson(w)
			s.Groups = []string{w.class}
			if err := timetable.Add(ctx, tx, s); err != nil {
				return err
			}
			_, err := tx.NewInsert().Model(&attendance.Mark{School: w.school, N: 1, Sitting: "s", Day: "2026-11-24", Pupil: w.pupil, Value: attendance.Absent, By: "a", At: now, Origin: attendance.FromRoll}).Exec(ctx)
			return err
		}, "roll"},
		"a lesson of a class": {func(ctx context.Context, tx database.Tx, w world) error {
			s := lesson(w)
			s.Groups = []string{w.class}
			return timetable.Add(ctx, tx, s)
		}, "timetable"},
		"an account": {func(ctx context.Context, tx database.Tx, w world) error {
			_, err := account.Create(ctx, tx, account.Account{School: w.school, Person: w.adult, Role: page.Guardian, CreatedAt: now})
			return err
		}, "account"},
		"a message": {func(ctx context.Context, tx database.Tx, w world) error {
			_, err := tx.NewInsert().Model(&courier.Letter{School: w.school, ID: "l", Code: "l", Kind: "daily", Ref: "r", Person: w.adult, Contact: w.contact, Channel: directory.Email, Lang: "fr", State: courier.Waiting, Digest: "d", MessageID: "m",
				CreatedAt: now.Add(time.Minute), DueAt: now, ExpiresAt: now.Add(time.Hour)}).Exec(ctx)
			return err
		}, "letter"},
		"what nobody asks about": {func(ctx context.Context, tx database.Tx, w world) error {
			_, err := tx.NewRaw("INSERT INTO register_reasons (school, pupil, half, n, reason, by, at) VALUES (?, ?, '2026-11-24/am', 1, 'family', 'a', ?)", w.school, w.pupil, now).Exec(ctx)
			return err
		}, directory.LeansOther},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			databasetest.Each(t, func(t *testing.T, db *database.DB) {
				j, err := journal.New(bytes.Repeat([]byte{1}, journal.MinKey))
				if err != nil {
					t.Fatal(err)
				}
				a := &App{DB: db, Journal: j, Clock: StandingClock(now)}
				e, err := directory.ReadExport(t.Context(), []string{filepath.Join("..", "..", "stories", "testdata", "aaf")}, directory.Reading{English: true})
				if err != nil {
					t.Fatal(err)
				}
				r, err := directory.Import(t.Context(), db, j, e, directory.Order{By: "test"}, now)
				if err != nil || r.Schools != 1 {
					t.Fatal(err, r.Refused)
				}
				var w world
				err = db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
					for q, to := range map[string]*string{
						"SELECT id FROM directory_schools": &w.school, "SELECT pupil FROM directory_links WHERE level = 'legal' AND adult IN (SELECT person FROM directory_contacts WHERE channel <> '') LIMIT 1": &w.pupil,
						"SELECT id FROM directory_groups WHERE kind = 'class' LIMIT 1": &w.class,
					} {
						if err := tx.NewRaw(q).Scan(ctx, to); err != nil {
							return fmt.Errorf("%s: %w", q, err)
						}
					}
					if err := tx.NewRaw("SELECT c.id, c.person FROM directory_contacts AS c JOIN directory_links AS l ON l.adult = c.person AND l.school = c.school WHERE l.pupil = ? LIMIT 1", w.pupil).Scan(ctx, &w.contact, &w.adult); err != nil {
						return err
					}
					return c.do(ctx, tx, w)
				})
				if err != nil {
					t.Fatal(err)
				}
				u, err := a.UndoImport(t.Context(), r.PerSchool[0].UAI, "test")
				var refused *directory.UndoRefused
				switch {
				case c.want == "" && (err != nil || u.Rows != r.Changed-1): // the school stays
					t.Fatalf("%d of %d rows, %v", u.Rows, r.Changed, err)
				case c.want != "" && (!errors.As(err, &refused) || !slices.ContainsFunc(refused.Because, func(l directory.Leaning) bool { return l.What == c.want }) || !strings.Contains(err.Error(), "corrected file")):
					t.Fatalf("%v, want %s", err, c.want)
				}
				err = db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
					n, err := directory.CountPupils(ctx, tx, w.school, "2026-11-24")
					if (n == 0) != (c.want == "") {
						t.Errorf("%d pupils", n)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := a.UndoImport(t.Context(), "9999999Z", "test"); err == nil || !strings.Contains(err.Error(), "no school") {
					t.Fatal(err)
				}
			})
		})
	}
}
