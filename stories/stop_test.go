package stories

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/peers"
)

// press presses the stop.
func (s *served) press(by string) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx database.Tx) error {
		_, err := s.app.Courier.Stop(ctx, tx, s.town.School.ID, by, s.clock.Now())
		return err
	})
	s.app.Courier.Poke()
}

// After a stop the centre is asked for what it has not delivered: what it gives back did
// not arrive, and its family is telephoned; what it keeps stays as it was. Nothing new
// begins.
func TestStopTakesBack(t *testing.T) {
	c := peers.SMPP(t, peers.SMSCentreOptions{})
	s := serve(t, withCentres(t, app.Config{}, centre{name: "centre", at: c}))
	for _, p := range []string{"ewen", "malo"} {
		s.mark(p, attendance.Absent)
	}
	s.until("both left", func(m morning) bool {
		return m.letter("sylvie", directory.SMS).State == courier.Left && m.letter("adeline", directory.SMS).State == courier.Left
	})
	c.Plan(peers.SMSFault{At: peers.AtCancel, Do: peers.SMSRefuse, Times: 1}) // one of them is on its way already
	s.press("office")
	s.mark("lea", attendance.Absent)
	m := s.until("one was given back, and telephoned", func(m morning) bool {
		back, kept := 0, 0
		for person, row := range map[string]bool{"sylvie": m.telephones("sylvie"), "adeline": m.telephones("adeline")} {
			switch l := m.letter(person, directory.SMS); {
			case l.State == courier.Refused && l.Because == courier.BecauseTakenBack && row:
				back++
			case l.State == courier.Left && !row:
				kept++
			}
		}
		return back == 1 && kept == 1 && m.letter("nadia", directory.SMS).State == courier.Waiting
	})
	if n := len(c.Cancelled()); n != 1 {
		t.Errorf("the centre gave %d back", n)
	}
	if n := len(c.Messages()); n != 2 {
		t.Errorf("%d messages at the centre, want the two before the stop; letters: %v", n, m.letters)
	}
}

// A centre that goes on saying that our account is bound already tells of a copy of this
// installation: both say nothing from then on. A session that it has not forgotten yet
// passes.
func TestAnotherIsBoundAsUs(t *testing.T) {
	c := peers.SMPP(t, peers.SMSCentreOptions{})
	c.Plan(peers.SMSFault{At: peers.AtBind, Do: peers.SMSRefuse, Status: 5, Times: peers.Always})
	s := serve(t, withCentres(t, app.Config{}, centre{name: "centre", at: c}))
	locked := func() bool {
		var is bool
		s.in(func(ctx context.Context, tx database.Tx) error {
			k, locked, err := courier.LockOf(ctx, tx, s.town.School.ID)
			if is = locked; locked && k.Why != courier.WhyBound {
				t.Errorf("locked for %s", k.Why)
			}
			return err
		})
		return is
	}
	if err := c.WaitFor(t.Context(), func() bool { return len(c.Binds()) >= 2 }); err != nil {
		t.Fatal(err)
	}
	s.advance(110 * time.Second)
	if s.beaten(); locked() {
		t.Fatal("locked before the centre can have forgotten a session of ours")
	}
	s.advance(2 * time.Minute)
	s.until("locked", func(morning) bool { return locked() })
}
