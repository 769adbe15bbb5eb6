package alert_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/timetable"
)

// findHome is what the class at home would say.
func (m *morning) findHome(_ context.Context, _ database.Tx, _ string, marks []attendance.Mark, _ time.Time) (map[int64]attendance.Finding, error) {
	out := map[int64]attendance.Finding{}
	for _, k := range marks {
		if f, ok := m.atHome[k.Pupil]; ok {
			out[k.N] = f
		}
	}
	return out, nil
}

// sendHome opens a day at home for pupils.
func (m *morning) sendHome(pupils ...string) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		zone, err := m.town.School.Location()
		if err != nil {
			return err
		}
		_, err = timetable.OpenHome(ctx, tx, timetable.Home{School: m.school, Reason: "illness", FromOn: "2026-11-24", UntilOn: "2026-11-24", OpenedBy: "a-head", Pupils: pupils}, m.now, zone)
		return err
	})
}

// Whoever did not come to a class at home is told of as anybody is, where nothing of ours may
// have kept them; in every other case nobody is told, and nobody is to be telephoned.
func TestOnlyAProvenAbsenceAtHomeIsTold(t *testing.T) {
	both(t, func(m *morning) {
		m.sendHome("lea", "nora")
		m.atHome = map[string]attendance.Finding{"lea": attendance.FoundAbsent, "nora": attendance.FoundLine}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", "nora", attendance.Absent, 0)
		m.at("08:17")
		m.want(leaTold, nil)
	})
	for _, f := range []attendance.Finding{"", attendance.FoundCame, attendance.FoundLine, attendance.FoundThrown, attendance.FoundBreaking, attendance.FoundOutage, attendance.FoundUnknown, attendance.FoundNoClass} {
		t.Run("found "+string(f), func(t *testing.T) {
			both(t, func(m *morning) {
				m.sendHome("lea")
				if f != "" {
					m.atHome = map[string]attendance.Finding{"lea": f}
				}
				m.at("08:07")
				m.mark("maths", "lea", attendance.Absent, 0)
				m.at("08:17")
				m.at("08:40")
				m.want(nil, nil)
				if r, ok := m.dayBoard().Of("lea"); !ok || r.Standing != alert.AtUnproven || r.Kept != mayHaveBeen[f] {
					t.Errorf("the office reads %v of her: %s %q, want %q", ok, r.Standing, r.Kept, mayHaveBeen[f])
				}
				var missed []attendance.Mark
				m.in(func(ctx context.Context, tx database.Tx) (err error) {
					missed, err = attendance.Missed(ctx, tx, m.school, "2026-11-24", "2026-11-24", nil)
					return err
				})
				if len(missed) != 0 {
					t.Errorf("the register counts %+v", missed)
				}
			})
		})
	}
}

// mayHaveBeen is what the office reads of a finding.
var mayHaveBeen = map[attendance.Finding]alert.Because{
	"":                       alert.OurLine,
	attendance.FoundCame:     alert.CameAtHome,
	attendance.FoundLine:     alert.OurLine,
	attendance.FoundThrown:   alert.OurFault,
	attendance.FoundBreaking: alert.BreakingLine,
	attendance.FoundOutage:   alert.OurFault,
	attendance.FoundUnknown:  alert.OurLine,
	attendance.FoundNoClass:  alert.NoClass,
}

// TestTheOfficeDecidesOfAnUnprovenAbsence: the board lists it among what waits for somebody, says
// in words what may have kept the pupil, and one press settles it.
func TestTheOfficeDecidesOfAnUnprovenAbsence(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.sendHome("lea")
		m.atHome = map[string]attendance.Finding{"lea": attendance.FoundLine}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:20")
		_, text := s.get("cpe:cpe", "/day")
		for _, want := range []string{"1 absent = 1 à vérifier (à la maison)", "à la maison : indécis : notre file d'attente a pu le retenir"} {
			if !strings.Contains(text, want) {
				t.Errorf("the board does not say %q", want)
			}
		}
		m.state("lea", attendance.Elsewhere, "announced")
		if got := m.stands("lea"); got != alert.AtElsewhere {
			t.Errorf("after the office heard of it: %s", got)
		}
		m.at("09:07")
		m.mark("francais", "lea", attendance.Present, 0)
		if r, ok := m.dayBoard().Of("lea"); ok && r.Standing.Absent() {
			t.Errorf("seen in the next class, and %s", r.Standing)
		}
	})
}

// A family that was told of one hour reads of the next one, from which something of ours may have
// kept their child, no more than whoever was told of none.
func TestAFamilyReadsOnlyAProvenAbsenceAtHome(t *testing.T) {
	both(t, func(m *morning) {
		m.sendHome("lea")
		m.atHome = map[string]attendance.Finding{"lea": attendance.FoundAbsent}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		if got := whereabouts(m.home("nadia")); !strings.HasPrefix(got, "lea absent") {
			t.Errorf("at 08:17: %s", got)
		}
		m.atHome["lea"] = attendance.FoundOutage
		m.at("09:07")
		m.mark("francais", "lea", attendance.Absent, 0)
		m.at("09:20")
		if got := whereabouts(m.home("nadia")); !strings.HasPrefix(got, "lea roll") {
			t.Errorf("at 09:20: %s", got)
		}
	})
}

// What is learned during the hold counts, and so does what is learned while a letter waits; and
// what may once have been our doing stays so.
func TestOurFaultIsLearnedLater(t *testing.T) {
	both(t, func(m *morning) {
		m.sendHome("lea", "nora")
		m.atHome = map[string]attendance.Finding{"lea": attendance.FoundAbsent, "nora": attendance.FoundAbsent}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", "nora", attendance.Absent, 0)
		m.at("08:12")
		m.atHome["lea"] = attendance.FoundOutage
		m.now = m.now.Add(5 * time.Minute)
		if err := m.alert.Pass(t.Context()); err != nil { // written, and not carried
			t.Fatal(err)
		}
		m.atHome["nora"] = attendance.FoundLine
		m.settle()
		m.atHome = map[string]attendance.Finding{"lea": attendance.FoundAbsent, "nora": attendance.FoundAbsent}
		m.at("08:40")
		for _, l := range m.all() {
			if l.State != courier.Void {
				t.Errorf("%s to %s is %s", l.Kind, l.Person, l.State)
			}
		}
		if calls := m.openCalls(); len(calls) != 0 {
			t.Errorf("%+v", calls)
		}
	})
}

// Who was noted absent in the room before it was known that they are at home is not missed.
func TestHomeIsKnownDuringTheHold(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:12")
		m.sendHome("lea")
		m.at("08:30")
		m.want(nil, nil)
	})
}

// The wall: whoever writes the SQL, no alert of an absence from a class at home begins, is told,
// written or leaves without the finding that nothing of ours caused it.
func TestHomeFindingsAgainstSQL(t *testing.T) {
	both(t, func(m *morning) {
		m.sendHome("lea", "nora", "malo")
		m.atHome = map[string]attendance.Finding{"lea": attendance.FoundAbsent, "nora": attendance.FoundAbsent, "malo": attendance.FoundLine}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", "malo", attendance.Absent, 0)
		m.at("08:12")
		m.mark("maths", "nora", attendance.Absent, 0)
		m.now = m.now.Add(5 * time.Minute)
		if err := m.alert.Pass(t.Context()); err != nil { // Léa's letters are written, and Nora is held
			t.Fatal(err)
		}
		must := func(q string) {
			t.Helper()
			if err := m.db.Statement(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		refused := func(what, q string) {
			t.Helper()
			if err := m.db.Statement(t.Context(), q); err == nil {
				t.Errorf("taken: %s", what)
			}
		}
		databasetest.Withstand(t, m.db, []databasetest.Guarded{{Name: "attendance_home_findings", MayChange: []string{"finding", "at"}}})
		refused("a finding becomes an absence", "UPDATE attendance_home_findings SET finding = 'absent' WHERE finding = 'line'")
		refused("a finding of a pupil who was not at home", "INSERT INTO attendance_home_findings (school, n, finding, at) SELECT school, n, 'absent', at FROM attendance_marks WHERE NOT at_home LIMIT 1")
		refused("an episode of what may be our doing", `INSERT INTO alert_episodes (school, id, pupil, half_day, seq, mark, sitting, first_at, leaves_at, expires_at, state, because)
			SELECT school, 'x', pupil, day || '/am', 1, n, sitting, at, at, at, 'held', '' FROM attendance_marks WHERE pupil = 'malo' AND value = 'absent'`)
		must("UPDATE attendance_home_findings SET finding = 'outage' WHERE finding = 'absent'")
		refused("an episode is told", "UPDATE alert_episodes SET state = 'told' WHERE state = 'held'")
		refused("an episode is handed to the telephone", "UPDATE alert_episodes SET state = 'untold' WHERE state = 'held'")
		refused("a letter is vouched for", "INSERT INTO alert_letters (school, letter, episode, pupil, person, channel, contact, kind, mark) SELECT school, letter || 'x', episode, pupil, person, channel, contact, kind, mark FROM alert_letters")
		refused("a letter begins to leave", "UPDATE courier_letters SET state = 'leaving', attempts = attempts + 1, leaving_at = due_at WHERE state = 'waiting' AND kind = 'absence'")
		m.settle()
		for _, l := range m.all() {
			if l.State != courier.Void {
				t.Errorf("%s is %s", l.Person, l.State)
			}
		}
	})
}

// Whatever is found of whom and when, nobody hears of an absence of which, when its letter left,
// something had ever said that it may be our own doing; and some do hear of the others.
func TestNoAlertForOurOwnFault(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		n, told, held := 0, 0, 0
		rapid.Check(t, func(rt *rapid.T) {
			if n++; n > 12 {
				return // each takes a school of its own
			}
			fresh := db
			if n > 1 {
				if fresh = databasetest.SQLite(t); db.Engine() == database.Postgres {
					fresh = databasetest.Postgres(t)
				}
			}
			m := newMorning(t, fresh)
			pupils := []string{"lea", "nora", "ewen"}
			m.sendHome(pupils...)
			m.at("08:06")
			worst := attendance.FoundAbsent
			findings := []attendance.Finding{attendance.FoundAbsent, attendance.FoundAbsent, attendance.FoundAbsent, attendance.FoundAbsent, attendance.FoundLine, attendance.FoundOutage, attendance.FoundUnknown, attendance.FoundThrown}
			left := map[string]bool{}
			m.atHome = map[string]attendance.Finding{"ewen": attendance.FoundAbsent}
			m.mark("maths", "ewen", attendance.Absent, 0)
			for range rapid.IntRange(3, 9).Draw(rt, "steps") {
				m.now = m.now.Add(time.Duration(rapid.IntRange(0, 12).Draw(rt, "minutes")) * time.Minute)
				m.atHome = map[string]attendance.Finding{}
				for _, p := range pupils {
					m.atHome[p] = rapid.SampledFrom(findings).Draw(rt, p)
				}
				m.atHome["ewen"] = attendance.FoundAbsent // so that letters leave in most mornings
				if m.atHome["lea"] != attendance.FoundAbsent {
					worst = m.atHome["lea"]
				}
				m.mark(rapid.SampledFrom([]string{"maths", "francais"}).Draw(rt, "sitting"), rapid.SampledFrom(pupils).Draw(rt, "who"), rapid.SampledFrom([]attendance.Value{attendance.Absent, attendance.Absent, attendance.Present}).Draw(rt, "value"), 0)
				m.settle()
				for _, l := range m.all() {
					if l.Kind != courier.Absence || !l.State.MayHaveLeft() || left[l.ID] {
						continue
					}
					if left[l.ID] = true; m.atHome[l.Pupil] != attendance.FoundAbsent {
						rt.Fatalf("a letter about %s left while %q was found", l.Pupil, m.atHome[l.Pupil])
					}
					told++
				}
			}
			if worst != attendance.FoundAbsent {
				held++
			}
		})
		if told == 0 || held == 0 {
			t.Errorf("%d letters left, %d mornings had something of ours", told, held)
		}
	})
}

// all lists the letters.
func (m *morning) all() (out []courier.Letter) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) (err error) {
		out, err = courier.Recent(ctx, tx, m.school, 100)
		return err
	})
	return out
}
