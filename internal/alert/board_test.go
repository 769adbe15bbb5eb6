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
)

func (m *morning) state(pupil string, says attendance.Says, reason string) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		return attendance.State(ctx, tx, m.journal, m.now, attendance.Statement{School: m.school, Pupil: pupil, Says: says, Reason: reason, FromAt: m.now, UntilAt: m.now.Add(4 * time.Hour), By: "a-office"})
	})
	m.settle()
}

func TestBoardFollowsTheMorning(t *testing.T) {
	both(t, func(m *morning) {
		c := m.town.Cast
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", c.Denied, attendance.Absent, 0)
		m.mark("maths", c.Unreachable, attendance.Absent, 0)
		m.mark("histoire", "sami", attendance.Absent, 0)
		m.state("sami", attendance.Inside, "infirmary")

		b := m.board()
		if b.Pupils != 6 || b.Absent != 4 || b.Known != 1 || len(b.Held) != 3 || len(b.Told) != 0 || len(b.Calls) != 0 || !b.InService || !b.Morning {
			t.Fatalf("while held: %+v", b)
		}
		if len(b.Reasons) != 1 || b.Reasons[0] != (alert.ReasonCount{Reason: "infirmary", N: 1}) {
			t.Fatalf("reasons %+v", b.Reasons)
		}
		adults := map[string]int{}
		for _, r := range b.Held {
			adults[r.Pupil.ID] = r.Adults
			if r.Class != "2de 3" || r.Sitting != "Mathématiques" || r.Left != 10*time.Minute || r.Percent != 100 || r.Self {
				t.Fatalf("held %+v", r)
			}
		}
		if adults["lea"] != 2 || adults[c.Denied] != 1 || adults[c.Unreachable] != 1 {
			t.Fatalf("who will be told: %v", adults)
		}

		m.at("08:12")
		if r := m.board().Held[0]; r.Left != 5*time.Minute || r.Percent != 50 {
			t.Fatalf("half of the hold later: %+v", r)
		}
		m.at("08:17")
		b = m.board()
		if b.Absent != 4 || len(b.Held) != 0 || len(b.Told) != 2 || len(b.Calls) != 1 || b.Families != 1 {
			t.Fatalf("when told: %+v", b)
		}
		for _, r := range b.Told {
			if want := map[string]int{"lea": 2, c.Denied: 1}[r.Pupil.ID]; r.People != want || r.Over != "" || !r.At.Equal(m.now) {
				t.Fatalf("told %+v, wanted %d people", r, want)
			}
		}
		if len(b.Messages) != 1 || b.Messages[0] != (alert.StateCount{State: courier.Left, N: 5}) {
			t.Fatalf("messages %+v", b.Messages)
		}
		call := b.Calls[0]
		if call.Pupil.ID != c.Unreachable || call.Adult.ID != c.UnreachableParent || call.Kinship != "father" || call.Because != alert.NoContact || !call.Entitled || !call.Today || len(call.Numbers) != 0 {
			t.Fatalf("call %+v", call)
		}

		m.at("08:20")
		m.mark("maths", "lea", attendance.Late, 15)
		b = m.board()
		if b.Absent != 3 || len(b.Told) != 2 {
			t.Fatalf("after she came: %+v", b)
		}
		for _, r := range b.Told {
			if r.Pupil.ID == "lea" && (r.Over != alert.Arrived || !r.OverAt.Equal(m.now) || len(r.Letters) != 6) {
				t.Fatalf("after she came: %+v", r)
			}
		}
		m.at("13:10")
		if m.board().Morning {
			t.Fatal("ten past one is the morning")
		}
	})
}

// Whoever was to be telephoned and may no longer be told is shown without a number,
// and the page says that nobody should telephone.
func TestACallToSomebodyWhoIsNoLongerEntitled(t *testing.T) {
	both(t, func(m *morning) {
		m.serve(false)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		s := newSite(m)
		_, before := s.get("secretary:office", "/office")
		if strings.Count(before, `href="tel:+336`) != 1 {
			t.Fatalf("Nadia has one mobile number:\n%s", before)
		}
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: m.school, ID: "d", Pupil: "lea", Adult: "nadia", Reference: "JAF-26-9", FromOn: "2026-11-24", RecordedBy: "head", RecordedAt: m.now}}})
		})
		m.now = m.now.Add(time.Minute) // a decision put in by hand writes no journal line
		for _, c := range m.board().Calls {
			if entitled := c.Adult.ID != "nadia"; c.Entitled != entitled || (!entitled && len(c.Numbers) > 0) {
				t.Errorf("call %+v", c)
			}
		}
		_, text := s.get("secretary:office", "/office")
		if strings.Contains(text, `href="tel:`) || !strings.Contains(text, "Nadia Benali n'est plus destinataire pour Léa Benali : n'appelez pas") {
			t.Errorf("the office would telephone:\n%s", text)
		}
		if strings.Contains(text, "JAF") || strings.Contains(text, "justice") {
			t.Error("the office reads of a court's decision")
		}
	})
}

func TestBoardSaysThatNothingLeaves(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		const sentence = "Les familles à prévenir sont dans la liste d'appels."
		if _, text := s.get("secretary:office", "/office"); strings.Contains(text, sentence) {
			t.Fatal("the school is in service, and the page says that it is not")
		}
		m.at("08:03")
		m.serve(false)
		if _, text := s.get("secretary:office", "/office"); !strings.Contains(text, "Rien ne part : l'établissement n'est pas en service depuis le 24 novembre 2026. "+sentence) {
			t.Fatalf("closed today:\n%s", text)
		}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		_, text := s.get("secretary:office", "/office")
		for _, want := range []string{"Appeler Nadia Benali (mère) pour Léa Benali", "Appeler Karim Benali (père) pour Léa Benali", "l'établissement n'est pas en service"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		m.serve(true)
		m.now = time.Date(2027, 7, 5, 8, 0, 0, 0, time.UTC)
		if _, text := s.get("secretary:office", "/office"); !strings.Contains(text, "pas en service depuis le 5 juillet 2027") {
			t.Errorf("after its last day:\n%s", text)
		}
	})
}

func TestOutcomesCloseACall(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.serve(false)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		calls := m.board().Calls
		if len(calls) != 2 {
			t.Fatalf("%d calls", len(calls))
		}
		path := "/calls/" + calls[0].ID + "/outcome"
		if status, _ := s.post("secretary:office", path, "outcome", "not_needed"); status != http.StatusUnprocessableEntity {
			t.Errorf("an outcome that only the program gives: %d", status)
		}
		if status, text := s.post("secretary:office", path, "outcome", "machine", "next", "/office"); status != http.StatusSeeOther || !strings.HasPrefix(text, "→ /office\n") {
			t.Errorf("%d %s", status, text)
		}
		if status, text := s.post("secretary:office", path, "outcome", "reached"); status != http.StatusConflict || !strings.Contains(text, "Quelqu'un a déjà noté") {
			t.Errorf("a second outcome: %d %s", status, text)
		}
		if status, text := s.post("secretary:office", "/calls/"+calls[1].ID+"/outcome", "outcome", "reached", "next", "https://elsewhere.example/"); status != http.StatusSeeOther || !strings.HasPrefix(text, "→ /\n") {
			t.Errorf("a next of another site: %d %s", status, text)
		}
		if left := m.board().Calls; len(left) != 0 {
			t.Errorf("still to call: %+v", left)
		}
	})
}

// The board that is kept between two looks is the board that would be read.
func TestKeptBoardIsNeverOld(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		other := newSite(m) // another node on the same database
		see := func(wanted string) {
			t.Helper()
			for _, one := range []*site{s, other} {
				for range 2 {
					if _, text := one.get("cpe:cpe", "/board", "HX-Request", "true"); !strings.Contains(text, wanted) {
						t.Fatalf("at %s the board does not say %q:\n%s", m.now.Format("15:04:05"), wanted, text)
					}
				}
			}
		}
		m.at("08:07")
		see("aucun absent noté")
		m.mark("maths", "lea", attendance.Absent, 0)
		see("10:00")
		m.now = m.now.Add(4 * time.Second)
		see("9:56") // nothing was done: the time runs all the same
		m.state("lea", attendance.Elsewhere, "announced")
		see("annoncé 1")
		m.mark("maths", m.town.Cast.Denied, attendance.Absent, 0)
		see("TISSERAND Malo")
		m.serve(false)
		see("Rien ne part")
		m.settle()
		call := m.board().Calls[0]
		see("Appeler Adeline Jaouen (mère)")
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.CloseCall(ctx, tx, m.school, call.ID, alert.Reached, "a-office", m.now)
		})
		see("Personne à appeler.")
		m.now = m.now.Add(24 * time.Hour)
		see("aucun absent noté")
	})
}
