package stories

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers"
)

// served is a school whose program runs, with real carriers and a clock that is moved by
// hand.
type served struct {
	t     testing.TB
	app   *app.App
	town  fictional.Town
	clock *app.Clock
	stop  func()
}

// serve starts the program of a school in service, without a hold.
func serve(t testing.TB, config app.Config) *served {
	t.Helper()
	s := &served{t: t, town: fictional.Small(time.Time{})}
	s.clock = app.StandingClock(s.town.Tuesday.Add(7 * time.Minute))
	if config.Addr == "" {
		config.Addr = "127.0.0.1:0"
	}
	install(t, config)
	var err error
	s.app, err = app.Open(t.Context(), config, app.Options{Log: slog.New(slog.DiscardHandler), Clock: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := fictional.Save(t.Context(), s.app.DB, s.town); err != nil {
		t.Fatal(err)
	}
	s.in(func(ctx context.Context, tx database.Tx) error {
		if err := s.app.PutInService(ctx, tx, s.town); err != nil {
			return err
		}
		return alert.SetHold(ctx, tx, s.town.School.ID, 0)
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() { ended <- s.app.Serve(ctx, func(string) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving: %v", err)
		}
		s.app.Close()
		s.stop = func() {}
	}
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *served) in(fn func(context.Context, database.Tx) error) {
	s.t.Helper()
	if err := s.app.DB.InSchool(context.Background(), s.town.School.ID, fn); err != nil {
		s.t.Fatal(err)
	}
}

// mark saves one mark on the roll of mathematics.
func (s *served) mark(pupil string, v attendance.Value) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx database.Tx) error {
		sitting, err := timetable.ByID(ctx, tx, s.town.School.ID, "maths")
		if err != nil {
			return err
		}
		entry := attendance.Entry{Pupil: pupil, Value: v}
		marks, err := attendance.OfPupils(ctx, tx, s.town.School.ID, []string{pupil}, sitting.Day)
		if err != nil {
			return err
		}
		if n := len(marks[pupil]); n > 0 {
			entry.Base = marks[pupil][n-1].N // what the page showed
		}
		_, err = attendance.SaveRoll(ctx, tx, s.app.Journal, s.clock.Now(), attendance.Save{School: s.town.School.ID, Sitting: "maths", Day: sitting.Day, By: "roy", Origin: attendance.FromRoll,
			Pupils: []string{pupil}, Entries: []attendance.Entry{entry}})
		return err
	})
	s.app.Alert.Poke()
}

// advance moves the clock and wakes whoever looks at it.
func (s *served) advance(d time.Duration) {
	s.clock.Advance(d)
	s.app.Alert.Poke()
	s.app.Courier.Poke()
}

// heartbeat waits until the courier has looked at what is silent, at the present time: its
// row says when it was seen last, and it looks before it claims.
func (s *served) heartbeat() {
	s.t.Helper()
	s.beaten()
	// The look follows the beat in the same round: a further letter claimed and settled
	// says that the round is over.
	s.mark("malo", attendance.Absent)
	s.until("a round after it", func(m morning) bool { return m.letter("adeline", directory.SMS).State == courier.Left })
}

// beaten waits until the courier's row says that its heart beat at the present time.
func (s *served) beaten() {
	s.t.Helper()
	s.until("a heartbeat", func(morning) bool {
		var seen int
		err := s.app.DB.Read(context.Background(), func(ctx context.Context, tx database.Tx) error {
			return tx.NewRaw("SELECT count(*) FROM courier_instances WHERE ended_at IS NULL AND seen_at >= ?", database.Stamp(s.clock.Now())).Scan(ctx, &seen)
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return seen > 0
	})
}

// morning is what is known of the day.
type morning struct {
	episodes []alert.Episode
	letters  []courier.Letter
	calls    []alert.Call
	tasks    []directory.Task
}

func (s *served) now() (m morning) {
	s.t.Helper()
	err := s.app.DB.Read(context.Background(), func(ctx context.Context, tx database.Tx) error {
		episodes, err := alert.OfDay(ctx, tx, s.town.School.ID, s.town.Tuesday.Format(time.DateOnly))
		if err != nil {
			return err
		}
		m.episodes = episodes
		var refs []string
		for _, e := range episodes {
			refs = append(refs, e.ID)
		}
		if m.letters, err = courier.About(ctx, tx, s.town.School.ID, refs); err != nil {
			return err
		}
		if m.calls, err = alert.OpenCalls(ctx, tx, s.town.School.ID); err != nil {
			return err
		}
		m.tasks, err = directory.OpenTasks(ctx, tx, s.town.School.ID)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// until waits for something to be so, as long as a minute, and fails in words.
func (s *served) until(what string, so func(morning) bool) morning {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		m := s.now()
		if so(m) {
			return m
		}
		select {
		case <-ctx.Done():
			for _, l := range m.letters {
				s.t.Logf("%s %s to %s about %s: %s (%s)", l.Kind, l.Channel, l.Person, l.Pupil, l.State, l.Because)
			}
			for _, e := range m.episodes {
				s.t.Logf("episode of %s in %s: %s (%s)", e.Pupil, e.Sitting, e.State, e.Because)
			}
			for _, c := range m.calls {
				s.t.Logf("to telephone: %s about %s: %s", c.Adult, c.Pupil, c.Because)
			}
			s.t.Fatalf("it never became so: %s", what)
		case <-tick.C:
		}
	}
}

func (m morning) letter(person string, ch directory.Channel) courier.Letter {
	for _, l := range m.letters {
		if l.Person == person && l.Channel == ch && l.Kind == courier.Absence {
			return l
		}
	}
	return courier.Letter{}
}

func (m morning) telephones(person string) bool {
	return slices.ContainsFunc(m.calls, func(c alert.Call) bool { return c.Adult == person })
}

// mailTo is a configuration with a mail server.
func mailTo(t testing.TB, m *peers.MailServer) app.Config {
	return app.Config{Data: t.TempDir(), Mail: app.MailConfig{Host: m.Host(), Port: m.Port(), TLS: "none", From: "vie-scolaire@alice-guy.example"}}
}

// centre is a carrier file for an SMS centre.
type centre struct {
	name     string
	at       *peers.SMSCentre
	weight   int
	perSec   float64
	window   int
	receipts bool
	replies  bool
}

// replyNumber is the sender of centres to which families can answer.
const replyNumber = "+33639980099"

// withCentres adds carrier files to a configuration.
func withCentres(t testing.TB, c app.Config, centres ...centre) app.Config {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	folder := filepath.Join(c.Data, "carriers")
	err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, "secret"), []byte("secret\n"), 0o600))
	for _, one := range centres {
		if one.weight == 0 {
			one.weight = 1
		}
		sender := "LYCEE"
		if one.replies {
			sender = replyNumber
		}
		b, e := json.Marshal(map[string]any{"kind": "smpp", "sender": sender, "weight": one.weight, "receipts": one.receipts, "replies": one.replies, "answer_seconds": 2,
			"smpp":    map[string]any{"host": one.at.Host(), "port": one.at.Port(), "tls": "none", "system_id": "preau", "per_second": one.perSec, "window": one.window},
			"secrets": map[string]any{"password": map[string]any{"file": "secret"}}})
		err = errors.Join(err, e, os.WriteFile(filepath.Join(folder, one.name+".json"), b, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An e-mail whose answer is awaited is shown unsure after two minutes, and the family
// telephoned; when the answer comes it is settled, and no second copy leaves.
func TestAnEmailWhoseAnswerIsAwaited(t *testing.T) {
	mail := peers.SMTP(t)
	mail.Plan(peers.Fault{At: peers.AtAnswer, Do: peers.Stall, Times: peers.Always})
	s := serve(t, mailTo(t, mail))
	s.mark("ewen", attendance.Absent)
	if err := mail.WaitStalled(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s.advance(119 * time.Second)
	if l := s.until("leaving", func(m morning) bool { return m.letter("sylvie", directory.Email).State == courier.Leaving }); l.telephones("sylvie") {
		t.Fatal("telephoned before two minutes, for a letter that is on its way")
	}
	s.advance(11 * time.Second)
	s.until("shown unsure, and telephoned", func(m morning) bool {
		return m.letter("sylvie", directory.Email).State == courier.Unsure && m.telephones("sylvie")
	})
	mail.Release()
	s.until("left", func(m morning) bool { return m.letter("sylvie", directory.Email).State == courier.Left })
	s.advance(time.Minute)
	s.stop()
	if n := len(mail.Messages()); n != 1 {
		t.Errorf("the mail server read %d copies", n)
	}
}

// A centre that gives receipts and gave none is shown after a quarter of an hour.
func TestUnheard(t *testing.T) {
	silent := peers.SMPP(t, peers.SMSCentreOptions{})
	s := serve(t, withCentres(t, app.Config{}, centre{name: "silent", at: silent, receipts: true}))
	s.mark("ewen", attendance.Absent)
	s.until("left", func(m morning) bool { return m.letter("sylvie", directory.SMS).State == courier.Left })
	s.advance(14 * time.Minute)
	s.heartbeat()
	if m := s.now(); m.letter("sylvie", directory.SMS).State != courier.Left || m.telephones("sylvie") {
		t.Fatalf("before a quarter of an hour: %s", m.letter("sylvie", directory.SMS).State)
	}
	s.advance(2 * time.Minute)
	s.until("unheard, and telephoned", func(m morning) bool {
		return m.letter("sylvie", directory.SMS).State == courier.Unheard && m.telephones("sylvie")
	})
	// It arrives after all: the state says so, the row waits for a person.
	sent := silent.Messages()[0]
	silent.Deliver(peers.SMSDeliver{From: sent.To, To: sent.From, Class: 4, Text: fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2611240807 done date:2611240824 stat:DELIVRD err:000 text:", sent.ID)})
	s.until("delivered", func(m morning) bool {
		return m.letter("sylvie", directory.SMS).State == courier.Delivered && m.telephones("sylvie")
	})
}

// Letters that no carrier accepted go by another; those that one may have taken do not.
func TestAnotherCarrier(t *testing.T) {
	broken, well := peers.SMPP(t, peers.SMSCentreOptions{}), peers.SMPP(t, peers.SMSCentreOptions{})
	broken.Plan(peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMEQueueFull, Times: peers.Always})
	s := serve(t, withCentres(t, app.Config{}, centre{name: "broken", at: broken, weight: 1000}, centre{name: "well", at: well}))
	for _, p := range []string{"ewen", "lea", "malo", "nora"} {
		s.mark(p, attendance.Absent)
	}
	s.until("all left", func(m morning) bool {
		n := 0
		for _, l := range m.letters {
			if l.Channel == directory.SMS && l.State == courier.Left {
				n++
			}
		}
		return n == 4
	})
	s.stop()
	if len(broken.Submits()) == 0 {
		t.Error("the heavier carrier was never asked")
	}
	taken := 0
	for _, m := range slices.Concat(broken.Messages(), well.Messages()) {
		if m.Taken {
			taken++
		}
	}
	if taken != 4 {
		t.Errorf("%d messages were taken, want 4", taken)
	}
}

// STOP ends messages to a number at once, and puts the family on the telephone list.
func TestStopByMessage(t *testing.T) {
	c := peers.SMPP(t, peers.SMSCentreOptions{})
	s := serve(t, withCentres(t, app.Config{}, centre{name: "centre", at: c, replies: true}))
	s.mark("ewen", attendance.Absent)
	m := s.until("left", func(m morning) bool { return m.letter("sylvie", directory.SMS).State == courier.Left })
	to := c.Messages()[0].To
	c.Deliver(peers.SMSDeliver{From: to, To: replyNumber[1:], Text: "Stop"})
	s.until("telephoned, with a task", func(m morning) bool {
		return m.telephones("sylvie") && slices.ContainsFunc(m.tasks, func(k directory.Task) bool { return k.Person == "sylvie" })
	})
	// The next absence writes to her no more.
	s.mark("ewen", attendance.Present)
	s.until("corrected", func(m morning) bool { return m.episodes[0].State == alert.Over })
	s.advance(time.Minute)
	s.mark("ewen", attendance.Absent)
	s.until("a second episode", func(now morning) bool {
		return slices.ContainsFunc(now.calls, func(k alert.Call) bool {
			return k.Adult == "sylvie" && k.Episode != m.letter("sylvie", directory.SMS).Ref
		})
	})
	s.stop()
	for i, one := range c.Messages() {
		if i > 0 && one.To == to && strings.Contains(one.Text, "n'est pas") {
			t.Errorf("after STOP, an alert was sent: %s", one.Text)
		}
	}
}

// A carrier that cannot be reached keeps nobody waiting in silence: after five minutes the
// office telephones, and the message still leaves when the carrier is back.
func TestACarrierThatCannotBeReached(t *testing.T) {
	c := peers.SMPP(t, peers.SMSCentreOptions{})
	c.Plan(peers.SMSFault{At: peers.AtBind, Do: peers.SMSRefuse, Status: peers.ESMEBindFailed, Times: peers.Always})
	s := serve(t, withCentres(t, app.Config{}, centre{name: "centre", at: c}))
	s.mark("ewen", attendance.Absent)
	s.until("told, and waiting", func(m morning) bool { return m.letter("sylvie", directory.SMS).State == courier.Waiting })
	s.advance(6 * time.Minute)
	s.until("telephoned", func(m morning) bool {
		return m.telephones("sylvie") && m.letter("sylvie", directory.SMS).State == courier.Waiting
	})
	c.Plan()
	s.until("left", func(m morning) bool { return m.letter("sylvie", directory.SMS).State == courier.Left })
	if n := len(c.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// A message that comes back says so: the letter is refused, the address is given up, the
// family is telephoned; another family's letters are as they were.
func TestReturnedMail(t *testing.T) {
	mail, box := peers.SMTP(t), peers.POP3(t)
	config := mailTo(t, mail)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(peers.MailboxPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config.Mail.Return = "retour+*@alice-guy.example"
	config.Mail.Box = app.BoxConfig{Host: box.Host(), Port: box.Port(), TLS: "none", Username: peers.MailboxUser, PasswordFile: password, Every: 50 * time.Millisecond}
	s := serve(t, config)
	s.mark("ewen", attendance.Absent)
	s.mark("lea", attendance.Absent)
	s.until("all left", func(m morning) bool {
		return m.letter("sylvie", directory.Email).State == courier.Left && m.letter("nadia", directory.Email).State == courier.Left
	})
	for _, m := range mail.Messages() {
		if !strings.HasPrefix(m.From, "retour+") {
			t.Fatalf("a letter's return path is %s", m.From)
		}
		if strings.Contains(m.To[0], "sylvie") {
			box.Deliver(t, []byte("From: MAILER-DAEMON@mx.example\r\nTo: "+m.From+"\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"+
				"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"+
				"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; "+m.To[0]+"\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"))
		}
	}
	s.until("refused, telephoned, with a task", func(m morning) bool {
		return m.letter("sylvie", directory.Email).State == courier.Refused && m.telephones("sylvie") &&
			slices.ContainsFunc(m.tasks, func(k directory.Task) bool { return k.Person == "sylvie" && k.Kind == directory.TaskMailBounced })
	})
	if m := s.now(); m.letter("nadia", directory.Email).State != courier.Left || m.telephones("nadia") {
		t.Error("another family's letter is not as it was")
	}
	// A report is taken out of the mailbox at the end of the session that read it.
	s.until("no report stays in the mailbox", func(morning) bool { return len(box.Left(t)) == 0 })
}

// A provider over HTTP calls back on the site's own address: what it says of a message,
// and what a telephone answered. Without its secret it is told nothing.
func TestAProviderCallsBack(t *testing.T) {
	gateway := peers.Gateway(t, peers.GatewayOptions{Mode: peers.Twilio, User: "AC-fictional", Password: "token"})
	config := app.Config{Data: t.TempDir(), Addr: freeAddr(t)}
	config.URL = "http://" + config.Addr
	writeGateway(t, filepath.Join(config.Data, "carriers"), gateway)
	s := serve(t, config)
	s.mark("ewen", attendance.Absent)
	s.until("left", func(m morning) bool { return m.letter("sylvie", directory.SMS).State == courier.Left })
	sent := gateway.Taken()[0]
	for path, want := range map[string]int{"/carriers/gateway/wrong": 404, "/carriers/none/" + gatewaySecret: 404, "/carriers/gateway/" + gatewaySecret: 404} {
		res, err := http.PostForm(config.URL+path, url.Values{"MessageSid": {sent.Given}, "MessageStatus": {"delivered"}, "To": {sent.To[0]}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("a stranger at %s: %d, want %d", path, res.StatusCode, want)
		}
	}
	if got := gateway.Report(peers.GatewayReport{Number: sent.Number, Status: "delivered"}); got.Status != 200 {
		t.Fatalf("the provider's receipt was answered %d", got.Status)
	}
	s.until("delivered", func(m morning) bool { return m.letter("sylvie", directory.SMS).State == courier.Delivered })
	if got := gateway.Reply(sent.Callback, sent.To[0], "LYCEE", "STOP"); got.Status != 200 {
		t.Fatalf("the telephone's message was answered %d", got.Status)
	}
	s.until("stopped", func(m morning) bool { return m.telephones("sylvie") })
}
