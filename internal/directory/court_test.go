package directory_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

func TestDecisions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		good := directory.NewDecision{ID: "0123456789abcdefghjk", Reference: "TJ Lyon, RG 26/1", FromOn: "2026-11-24", UntilOn: "2026-12-24"}
		record := func(pupil, adult string, change func(*directory.NewDecision)) error {
			d := good
			if change != nil {
				change(&d)
			}
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).RecordDecision(ctx, tx, s.ID, pupil, adult, d)
			})
		}
		for name, c := range map[string]struct {
			change func(*directory.NewDecision)
			want   error
		}{
			"no reference": {func(d *directory.NewDecision) { d.Reference = " \n" }, directory.ErrReference},
			"a story":      {func(d *directory.NewDecision) { d.Reference = strings.Repeat("a", 81) }, directory.ErrReference},
			"no day":       {func(d *directory.NewDecision) { d.FromOn = "" }, directory.ErrFrom},
			"no such day":  {func(d *directory.NewDecision) { d.FromOn = "2026-02-30" }, directory.ErrFrom},
			"year 1":       {func(d *directory.NewDecision) { d.FromOn = "0001-01-01" }, directory.ErrFrom},
			"backwards":    {func(d *directory.NewDecision) { d.UntilOn = "2026-11-23" }, directory.ErrUntil},
			"no end":       {func(d *directory.NewDecision) { d.UntilOn = "toujours" }, directory.ErrUntil},
		} {
			if err := record("lea", "karim", c.change); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		for _, c := range [][2]string{{"lea", "ronan"}, {"lea", "lea"}, {"far-pupil", "far-adult"}, {"karim", "karim"}} {
			if err := record(c[0], c[1], nil); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("%v: %v", c, err)
			}
		}
		for range 2 {
			if err := record("lea", "karim", nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := record("sami", "karim", nil); err == nil {
			t.Error("the brother's form took the same decision")
		}
		if a, b := h.told(t, "lea"), h.told(t, "sami"); a != "nadia: email sms" || b != "nadia: email sms; karim: email" {
			t.Errorf("told of Léa: %s; of her brother: %s", a, b)
		}
		lift := func(pupil, id string) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).LiftDecision(ctx, tx, s.ID, pupil, id)
			})
		}
		for _, c := range [][2]string{{"sami", good.ID}, {"lea", "far-decision"}, {"far-pupil", "far-decision"}, {"lea", ""}} {
			if err := lift(c[0], c[1]); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("lift %v: %v", c, err)
			}
		}
		for range 2 {
			if err := lift("lea", good.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.told(t, "lea"); got != "nadia: email sms; karim: email" {
			t.Errorf("lifted: %s", got)
		}
		if acts := h.acts(t, 0); !slices.Equal(acts, []string{"directory.decision.recorded", "directory.decision.lifted"}) {
			t.Errorf("the journal has %v", acts)
		}
		var details []string
		err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			return tx.NewSelect().Model((*journal.Line)(nil)).Column("detail").Scan(ctx, &details)
		})
		if err != nil || strings.Contains(strings.Join(details, " "), "Lyon") {
			t.Errorf("the journal repeats the document: %v %v", details, err)
		}
	})
}

func TestObjections(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		record := func(pupil, reference string) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).RecordObjection(ctx, tx, s, pupil, reference)
			})
		}
		for pupil, want := range map[string]error{"lea": directory.ErrNotOfAge, "far-pupil": directory.ErrNotFound, "karim": directory.ErrNotFound, "": directory.ErrNotFound} {
			if err := record(pupil, "lettre"); !errors.Is(err, want) {
				t.Errorf("%q: %v, want %v", pupil, err, want)
			}
		}
		if err := record("grown", ""); !errors.Is(err, directory.ErrReference) {
			t.Errorf("without a reference: %v", err)
		}
		for range 2 {
			if err := record("grown", "lettre du 20 novembre"); err != nil {
				t.Fatal(err)
			}
		}
		c := h.circle(t, "grown")
		if got := h.told(t, "grown"); got != "grown: sms" || len(c.Objections) != 1 || len(c.Tasks) != 1 || c.Tasks[0].Kind != directory.TaskObjection {
			t.Fatalf("told %s, objections %v, tasks %v", got, c.Objections, c.Tasks)
		}
		closeTask := func(id string, role page.Role) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).CloseTask(ctx, tx, s.ID, id, role, "")
			})
		}
		for _, role := range []page.Role{page.CPE, page.Secretary} {
			if err := closeTask(c.Tasks[0].ID, role); !errors.Is(err, directory.ErrForHead) {
				t.Errorf("%s closed the head's task: %v", role, err)
			}
		}
		if err := closeTask("far-task", page.Head); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("another school's task: %v", err)
		}
		for range 2 {
			if err := closeTask(c.Tasks[0].ID, page.Head); err != nil {
				t.Fatal(err)
			}
		}
		withdraw := func(pupil, id string) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).WithdrawObjection(ctx, tx, s.ID, pupil, id)
			})
		}
		for _, x := range [][2]string{{"lea", c.Objections[0].ID}, {"far-pupil", "far-objection"}, {"grown", "far-objection"}} {
			if err := withdraw(x[0], x[1]); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("withdraw %v: %v", x, err)
			}
		}
		for range 2 {
			if err := withdraw("grown", c.Objections[0].ID); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.told(t, "grown"); got != "grown: sms; mum: email" {
			t.Errorf("withdrawn: %s", got)
		}
		// Another one opens another task, and its withdrawal settles it.
		if err := record("grown", "lettre du 24"); err != nil {
			t.Fatal(err)
		}
		if err := withdraw("grown", h.circle(t, "grown").Objections[0].ID); err != nil {
			t.Fatal(err)
		}
		var open []string
		for _, o := range h.circle(t, "grown").Objections {
			if o.WithdrawnAt.IsZero() {
				open = append(open, o.ID)
			}
		}
		for _, id := range open {
			if err := withdraw("grown", id); err != nil {
				t.Fatal(err)
			}
		}
		if tasks := h.circle(t, "grown").Tasks; len(tasks) != 0 {
			t.Errorf("withdrawn, and still %v", tasks)
		}
	})
}
