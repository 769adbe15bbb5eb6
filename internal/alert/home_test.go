package alert_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

func (m *morning) home(adult string) (f alert.Family) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		f, err = alert.Home(ctx, tx, m.school, adult, m.now)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return f
}

// whereabouts lists "pupil state".
func whereabouts(f alert.Family) string {
	var out []string
	for _, c := range f.Children {
		out = append(out, c.Pupil.ID+" "+string(c.State))
	}
	return strings.Join(out, ", ")
}

func TestHomeFollowsTheMorning(t *testing.T) {
	both(t, func(m *morning) {
		want := func(at, wanted string) {
			t.Helper()
			m.at(at)
			if got := whereabouts(m.home("nadia")); got != wanted {
				t.Fatalf("at %s: %s, wanted %s", at, got, wanted)
			}
		}
		want("07:50", "lea next, sami next")
		want("08:06", "lea roll, sami roll")
		m.mark("maths", "lea", attendance.Present, 0)
		want("08:07", "lea in-class, sami roll")
		m.mark("histoire", "sami", attendance.Late, 8)
		want("08:08", "lea in-class, sami late")
		want("09:01", "lea next, sami finished")
		want("09:06", "lea roll, sami finished")
		m.mark("francais", "lea", attendance.Absent, 0)
		// What is held is told to nobody: the page says what it said before the mark.
		want("09:10", "lea roll, sami finished")
		want("09:16", "lea absent, sami finished")
		lea := m.home("nadia").Children[0]
		if len(lea.Said) != 2 || lea.Sitting.ID != "francais" || !lea.Said[0].Sure || !lea.Said[0].At.Equal(m.now) || lea.Class != "2de 3" || len(lea.Sittings) != 2 {
			t.Fatalf("%+v", lea)
		}
		want("09:20", "lea absent, sami finished")
		m.mark("francais", "lea", attendance.Late, 15)
		want("09:21", "lea late, sami finished")
		m.state("sami", attendance.Elsewhere, "internship")
		m.state("lea", attendance.Inside, "infirmary")
		want("09:22", "lea inside, sami known")
		m.in(func(ctx context.Context, tx database.Tx) error {
			return timetable.AddClosure(ctx, tx, timetable.Closure{School: m.school, ID: "c", FromOn: "2026-11-24", UntilOn: "2026-11-24", Reason: "neige"})
		})
		if !m.home("nadia").Closed {
			t.Fatal("the school is closed, and the page does not know")
		}
	})
}

// A school that is not in service telephones at once, and its families' pages wait as
// long as a message would have.
func TestHomeOutOfServiceWaitsForTheHold(t *testing.T) {
	both(t, func(m *morning) {
		m.serve(false)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:16")
		if got := whereabouts(m.home("karim")); got != "lea roll, sami roll" {
			t.Fatal(got)
		}
		m.at("08:17")
		if got := whereabouts(m.home("karim")); got != "lea absent, sami roll" {
			t.Fatal(got)
		}
	})
}

// One guardian never sees another, whether another was told, or another's contacts.
func TestGuardiansAreIsolated(t *testing.T) {
	both(t, func(m *morning) {
		c := m.town.Cast
		s := newSite(m)
		m.at("08:07")
		for _, p := range []string{"lea", c.Denied, c.Unreachable} {
			m.mark("maths", p, attendance.Absent, 0)
		}
		m.mark("histoire", "sami", attendance.Absent, 0)
		m.at("08:17")
		page := func(role, person string) string {
			status, text := s.get(role+":"+person, "/"+role)
			if status != http.StatusOK {
				t.Fatalf("%s: %d", person, status)
			}
			return text
		}
		everybody := map[string][]string{ // what tells of somebody: names, addresses, numbers
			"nadia": {"Nadia", "nadia"}, "karim": {"Karim", "karim"}, c.DeniedTold: {"Adeline", "adeline"}, c.DeniedParent: {"Ronan", "ronan"},
			c.UnreachableParent: {"Lamine", "lamine"}, "sylvie": {"Sylvie"}, "tarek": {"Tarek"}, "lea": {"Léa"}, "sami": {"Sami,"}, c.Denied: {"Malo"}, c.Unreachable: {"Awa"},
		}
		for _, p := range m.town.Rows.Contacts {
			everybody[p.Person] = append(everybody[p.Person], p.Address, p.Raw)
		}
		sees := map[string][]string{"nadia": {"lea", "sami"}, "karim": {"lea", "sami"}, c.DeniedTold: {c.Denied}, c.DeniedParent: nil, c.UnreachableParent: {c.Unreachable}}
		for reader, children := range sees {
			text := page("guardian", reader)
			allowed := map[string]bool{reader: true}
			for _, child := range children {
				allowed[child] = true
				if !strings.Contains(text, everybody[child][0]) {
					t.Errorf("%s does not see %s", reader, child)
				}
			}
			for other, signs := range everybody {
				for _, sign := range signs {
					if !allowed[other] && strings.Contains(text, sign) {
						t.Errorf("%s reads %q, of %s", reader, sign, other)
					}
				}
			}
		}
		// Both were told, on different channels, and each reads of their own.
		if text := page("guardian", "karim"); strings.Count(text, "Message envoyé à 8 h 17 (e-mail).") != 2 || strings.Contains(text, "SMS") {
			t.Errorf("Karim has an e-mail address only:\n%s", text)
		}
		if text := page("guardian", "nadia"); strings.Count(text, "Message envoyé à 8 h 17 (SMS, e-mail).") != 2 {
			t.Errorf("Nadia got both:\n%s", text)
		}
		// The parent whom a court denies reads what somebody without a child here reads.
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{People: []directory.Person{{School: m.school, ID: c.DeniedParent + "x", Kind: directory.KindAdult, Source: "hand", SourceKey: "x", LastName: "X", FirstName: "Y"}}})
		})
		denied, nobody := page("guardian", c.DeniedParent), page("guardian", c.DeniedParent+"x")
		if strings.ReplaceAll(denied, c.DeniedParent, "") != strings.ReplaceAll(strings.ReplaceAll(nobody, c.DeniedParent+"x", ""), c.DeniedParent, "") {
			t.Errorf("the denied parent's page differs from that of somebody without children:\n%s\n\n%s", denied, nobody)
		}
		// The telephone row of a parent is the office's, not the other parent's.
		if text := page("guardian", c.UnreachableParent); strings.Contains(text, "Message") {
			t.Errorf("nothing was sent to him:\n%s", text)
		}
	})
}

// A letter to one guardian that is unsure, refused or void says so to nobody else, and
// to its reader only what is true.
func TestHomeOfALetterThatMayHaveLeft(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.now = m.now.Add(10 * time.Minute)
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if said := m.home("nadia").Children[0].Said; len(said) != 0 {
			t.Fatalf("nothing has begun to leave: %+v", said)
		}
		ids := map[string]string{}
		m.in(func(ctx context.Context, tx database.Tx) error {
			letters, err := courier.About(ctx, tx, m.school, m.episodes(ctx, tx))
			for _, l := range letters {
				ids[l.Person+" "+string(l.Channel)] = l.ID
			}
			return err
		})
		m.loseAnswers("unsure", ids["nadia sms"])
		m.loseAnswers("refused", ids["karim email"])
		if said := m.home("nadia").Children[0].Said; len(said) != 1 || said[0].Sure {
			t.Fatalf("Nadia: %+v", said)
		}
		if said := m.home("karim").Children[0].Said; len(said) != 0 {
			t.Fatalf("Karim's was refused: %+v", said)
		}
		s := newSite(m)
		if _, text := s.get("guardian:nadia", "/guardian"); !strings.Contains(text, "Un message a pu vous être envoyé à 8 h 17 (SMS).") {
			t.Errorf("%s", text)
		}
	})
}

func (m *morning) episodes(ctx context.Context, tx database.Tx) []string {
	rows, err := alert.OfDay(ctx, tx, m.school, timetable.Day(m.now, m.town.Tuesday.Location()))
	if err != nil {
		m.t.Fatal(err)
	}
	ids := make([]string, len(rows))
	for i, e := range rows {
		ids[i] = e.ID
	}
	return ids
}

func TestPupilsSeeTheirOwnDay(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", "nora", attendance.Absent, 0)
		m.mark("histoire", "sami", attendance.Present, 0)
		m.at("08:17")
		status, text := s.get("pupil:lea", "/pupil")
		for _, want := range []string{"Votre journée", "Léa, 2de 3", "absence notée à 8 h 07", "Mathématiques", "Français", "salle A103"} {
			if status != http.StatusOK || !strings.Contains(text, want) {
				t.Errorf("%d: the page does not say %q", status, want)
			}
		}
		for _, never := range []string{"Message", "Nadia", "Karim", "Sami", "Nora", "SMS", "e-mail"} {
			if strings.Contains(text, never) {
				t.Errorf("a pupil under age reads %q", never)
			}
		}
		if _, text := s.get("pupil:nadia", "/pupil"); strings.Contains(text, "Léa") || !strings.Contains(text, "Rien à montrer ici") {
			t.Errorf("an adult in a pupil's role:\n%s", text)
		}
	})
}

// From the eighteenth birthday on the message is the pupil's own, and shown.
func TestAPupilOfAgeSeesTheirOwnMessages(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.now = m.now.AddDate(3, 0, 0) // Nora, born in January, is eighteen
		m.in(func(ctx context.Context, tx database.Tx) error {
			sitting := timetable.Sitting{School: m.school, ID: "later", Kind: timetable.Lesson, Label: "Anglais", ShortLabel: "anglais", Source: timetable.FromPage, SourceKey: "later", Groups: []string{"2de3"}}
			sitting.At(m.now.Add(5*time.Minute), m.now.Add(time.Hour), s.zone)
			if err := timetable.Add(ctx, tx, sitting); err != nil {
				return err
			}
			return alert.OpenForTest(ctx, tx, m.alert, m.school, m.now.Format(time.DateOnly), m.now)
		})
		m.now = m.now.Add(7 * time.Minute)
		m.mark("later", "nora", attendance.Absent, 0)
		m.now = m.now.Add(10 * time.Minute)
		m.settle()
		for _, r := range m.board().Told {
			if r.Pupil.ID == "nora" && r.People != 2 {
				t.Errorf("Nora and her father are told: %+v", r)
			}
		}
		if _, text := s.get("pupil:nora", "/pupil"); !strings.Contains(text, "Message envoyé à 8 h 17 (SMS).") || strings.Contains(text, "Tarek") {
			t.Errorf("%s", text)
		}
	})
}
