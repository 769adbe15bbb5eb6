package whereabouts_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/internal/whereabouts"
)

// morning is the small town on its Tuesday at 08:12.
type morning struct {
	t       *testing.T
	db      *database.DB
	journal *journal.Journal
	town    fictional.Town
	now     time.Time
	zone    *time.Location
}

func each(t *testing.T, fn func(*morning)) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := &morning{t: t, db: db, town: fictional.Small(time.Time{})}
		m.zone = m.town.Tuesday.Location()
		m.now = m.town.Tuesday.Add(12 * time.Minute)
		var err error
		if m.journal, err = journal.New(make([]byte, journal.MinKey)); err == nil {
			err = fictional.Save(t.Context(), db, m.town)
		}
		if err != nil {
			t.Fatal(err)
		}
		fn(m)
	})
}

func (m *morning) do(fn func(context.Context, database.Tx) error) error {
	return m.db.InSchool(m.t.Context(), m.town.School.ID, fn)
}

func (m *morning) must(fn func(context.Context, database.Tx) error) {
	m.t.Helper()
	if err := m.do(fn); err != nil {
		m.t.Fatal(err)
	}
}

func (m *morning) plan(p whereabouts.Plan, pupils ...string) (whereabouts.Plan, error) {
	p.School, p.By = m.town.School.ID, "a-office"
	if p.Via == "" {
		p.Via = whereabouts.ByPhone
	}
	var made whereabouts.Plan
	err := m.do(func(ctx context.Context, tx database.Tx) (err error) {
		made, err = whereabouts.Announce(ctx, tx, m.journal, m.now, m.zone, p, pupils)
		return err
	})
	return made, err
}

// away tells whether a pupil is stated to be elsewhere at a moment.
func (m *morning) away(pupil string, at time.Time) bool {
	m.t.Helper()
	var out bool
	m.must(func(ctx context.Context, tx database.Tx) error {
		all, err := attendance.Statements(ctx, tx, m.town.School.ID, []string{pupil}, at)
		_, out = attendance.At(all[pupil], attendance.Elsewhere, at)
		return err
	})
	return out
}

func (m *morning) at(month time.Month, day, hour, minute int) time.Time {
	year := 2026
	if month < time.August {
		year = 2027
	}
	return time.Date(year, month, day, hour, minute, 0, 0, m.zone)
}

func TestEveryTuesdayOfTheYear(t *testing.T) {
	t.Parallel()
	each(t, func(m *morning) {
		_, err := m.plan(whereabouts.Plan{Reason: "internship", FromOn: "2026-11-24", UntilOn: "2027-06-29", FromHour: "14:00", UntilHour: "16:00", Weekdays: "2"}, "lea", "malo")
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[time.Time]bool{
			m.at(time.November, 24, 13, 59): false, m.at(time.November, 24, 14, 0): true, m.at(time.November, 24, 15, 59): true, m.at(time.November, 24, 16, 0): false,
			m.at(time.November, 25, 14, 30): false,
			m.at(time.March, 23, 14, 0):     true, m.at(time.March, 30, 14, 0): true, m.at(time.March, 30, 13, 30): false, // clocks change on 28 March
			m.at(time.June, 29, 15, 0): true, m.at(time.July, 6, 15, 0): false,
		} {
			for _, pupil := range []string{"lea", "malo"} {
				if m.away(pupil, at) != want {
					t.Errorf("%s at %s: want %v", pupil, at, want)
				}
			}
			if m.away("awa", at) {
				t.Errorf("awa at %s: nobody said so", at)
			}
		}
	})
}

func TestAClaimCountsUntilItIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(m *morning) {
		p, err := m.plan(whereabouts.Plan{Reason: attendance.Announced, Via: whereabouts.ByPage, FromOn: "2026-11-24", UntilOn: "2026-11-26", Claimant: "nadia"}, "lea")
		if err != nil || p.State != whereabouts.Claimed {
			t.Fatalf("%+v %v", p, err)
		}
		if !m.away("lea", m.now) {
			t.Error("a claim does not count at once")
		}
		settle := func(to whereabouts.State, refusal string) error {
			return m.do(func(ctx context.Context, tx database.Tx) error {
				return whereabouts.Settle(ctx, tx, m.journal, m.now, m.town.School.ID, p.ID, to, refusal, "a-office")
			})
		}
		if err := settle(whereabouts.Refused, "because"); !errors.Is(err, whereabouts.ErrReason) {
			t.Errorf("refused without a reason of the list: %v", err)
		}
		if err := settle(whereabouts.Accepted, ""); err != nil {
			t.Error(err)
		}
		if !m.away("lea", m.now) {
			t.Error("accepted, it does not count any more")
		}
		for range 2 { // pressed twice
			if err := settle(whereabouts.Refused, "seen"); err != nil {
				t.Error(err)
			}
		}
		if m.away("lea", m.now) || m.away("lea", m.now.AddDate(0, 0, 1)) {
			t.Error("refused, it still counts")
		}
		if err := settle(whereabouts.Accepted, ""); !errors.Is(err, whereabouts.ErrSettled) {
			t.Errorf("a refused claim is accepted: %v", err)
		}
		lines := []string{}
		m.must(func(ctx context.Context, tx database.Tx) error {
			return tx.NewSelect().Table("journal_lines").Column("act").Where("school = ? AND subject = ?", m.town.School.ID, p.ID).Order("seq").Scan(ctx, &lines)
		})
		if want := []string{"plan", "plan.accepted", "plan.refused"}; !slices.Equal(lines, want) {
			t.Errorf("the journal says %q, want %q", lines, want)
		}
	})
}

func TestWhoAPlanMayBeAbout(t *testing.T) {
	t.Parallel()
	each(t, func(m *morning) {
		other := fictional.School(2, fictional.Options{Number: 1, Pupils: 10})
		if err := fictional.Save(t.Context(), m.db, other); err != nil {
			t.Fatal(err)
		}
		p := whereabouts.Plan{Reason: "outing", FromOn: "2026-11-24", UntilOn: "2026-11-24"}
		for name, pupils := range map[string][]string{"another school's": {"lea", other.Cast.Lea}, "a teacher": {"roy"}, "nobody known": {"?"}} {
			if _, err := m.plan(p, pupils...); !errors.Is(err, whereabouts.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := m.plan(p); !errors.Is(err, whereabouts.ErrNobody) {
			t.Errorf("nobody: %v", err)
		}
		if m.away("lea", m.now) {
			t.Error("a refused plan states something all the same")
		}
		if made, err := m.plan(p, "lea", "malo", "lea"); err != nil || made.Pupils != 2 {
			t.Errorf("twice the same: %d %v", made.Pupils, err)
		}
	})
}

// TestASlipIsNoRoll: a slip marks one pupil late and leaves the roll to whoever calls it.
func TestASlipIsNoRoll(t *testing.T) {
	t.Parallel()
	each(t, func(m *morning) {
		school := m.town.School.ID
		m.must(func(ctx context.Context, tx database.Tx) error {
			maths, err := timetable.ByID(ctx, tx, school, "maths")
			if err != nil {
				return err
			}
			if _, err := attendance.GiveSlip(ctx, tx, m.journal, m.now, school, "lea", maths, "a-office"); err != nil {
				return err
			}
			marks, err := attendance.Current(ctx, tx, school, "maths")
			if k := marks["lea"]; err != nil || len(marks) != 1 || k.Value != attendance.Late || k.Minutes != 7 || k.Origin != attendance.FromOffice {
				t.Errorf("%+v %v", marks, err)
			}
			rolls, err := attendance.RollsOf(ctx, tx, school, []string{"maths"})
			if err != nil || len(rolls) != 0 {
				t.Errorf("the roll counts as called: %+v %v", rolls, err)
			}
			inside, err := attendance.StatedInside(ctx, tx, school, m.now)
			if err != nil || len(inside) != 1 || !inside[0].UntilAt.Equal(maths.EndsAt) {
				t.Errorf("%+v %v", inside, err)
			}
			// They leave the office: what was true until then stays on record.
			later := m.now.Add(10 * time.Minute)
			if err := attendance.End(ctx, tx, m.journal, later, school, inside[0].ID, "a-office"); err != nil {
				return err
			}
			then, err := attendance.StatedInside(ctx, tx, school, m.now.Add(5*time.Minute))
			now, err2 := attendance.StatedInside(ctx, tx, school, later)
			if len(then) != 1 || len(now) != 0 {
				t.Errorf("then %d, now %d", len(then), len(now))
			}
			return errors.Join(err, err2)
		})
	})
}
