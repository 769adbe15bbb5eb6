package stories

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/peers"
)

// A family answers by SMS, through an SMS centre that we did not write: 1 quietens, 2
// comes before everything else, and whatever else it writes asks for a call. What it
// wrote is kept nowhere.
func TestAnswersByMessage(t *testing.T) {
	c := peers.SMPP(t, peers.SMSCentreOptions{})
	s := serve(t, withCentres(t, app.Config{}, centre{name: "centre", at: c, replies: true}))
	s.in(func(ctx context.Context, tx database.Tx) error {
		return s.app.Alert.SetAnswers(ctx, tx, s.town.School.ID, alert.AnswerByReply, "head", s.clock.Now())
	})
	s.mark("ewen", attendance.Absent)
	s.until("left", func(m morning) bool { return m.letter("sylvie", directory.SMS).State == courier.Left })
	sent := c.Messages()[0]
	if !strings.Contains(sent.Text, "Répondez 1 si vous le saviez, 2 si pour vous Ewen est en classe.") {
		t.Fatalf("the message does not ask: %s", sent.Text)
	}
	write := func(text string) { c.Deliver(peers.SMSDeliver{From: sent.To, To: replyNumber[1:], Text: text}) }
	stated := func() (out []attendance.Statement) {
		s.in(func(ctx context.Context, tx database.Tx) error {
			all, err := attendance.Statements(ctx, tx, s.town.School.ID, []string{"ewen"}, s.clock.Now())
			out = all["ewen"]
			return err
		})
		return out
	}
	board := func() (t alert.Today) {
		s.in(func(ctx context.Context, tx database.Tx) (err error) {
			t, err = alert.Board(ctx, tx, s.town.School.ID, s.clock.Now())
			return err
		})
		return t
	}
	write("1")
	s.until("announced", func(morning) bool { return len(stated()) == 1 && stated()[0].By == "sylvie" })
	write(" 2. ")
	s.until("looked for", func(morning) bool { return len(board().Alarms) == 1 && len(stated()) == 0 })
	const words = "il a mal au ventre"
	write(words)
	s.until("telephoned", func(m morning) bool { return m.telephones("sylvie") })
	if n := len(c.Messages()); n != 1 {
		t.Errorf("%d messages left for one absence", n)
	}
	for _, table := range []string{"alert_answers", "alert_calls", "journal_lines", "courier_letters", "courier_attempts", "attendance_statements"} {
		var rows []map[string]any
		s.in(func(ctx context.Context, tx database.Tx) error {
			return tx.NewRaw("SELECT * FROM "+table).Scan(ctx, &rows)
		})
		if len(rows) == 0 || strings.Contains(fmt.Sprint(rows), words) {
			t.Errorf("%s: %d rows, one of which may hold what a family wrote", table, len(rows))
		}
	}
}
