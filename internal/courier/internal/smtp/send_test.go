package smtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/peers"
)

// letter is a letter to a fictional guardian; number tells letters apart.
func letter(number int) Letter {
	return Letter{
		MessageID:   fmt.Sprintf("alert-%d.1@preau.example", number),
		To:          fmt.Sprintf("camille.%d@family.example", number),
		Subject:     "Léa M. n’était pas en classe ce matin",
		Text:        "Lycée Anita-Conti : Léa M. n’était pas en classe le mardi 6 octobre à 8 h 05 (français).\nMerci d’appeler le 06 39 98 01 02. Réf. K7P2\n",
		Lang:        "fr",
		Date:        time.Date(2026, 10, 6, 8, 15, 0, 0, time.FixedZone("CEST", 2*3600)),
		ReturnToken: fmt.Sprintf("L-%d", number),
	}
}

// carrier speaks with the peer, in plain text unless change says otherwise.
func carrier(t *testing.T, peer *peers.MailServer, change ...func(*Config)) *Carrier {
	t.Helper()
	config := Config{
		Host: peer.Host(), Port: peer.Port(), TLS: NoTLS,
		From: "absences@preau.example", FromName: "Lycée Anita-Conti", HELO: "preau.example", Return: "retour+*@preau.example",
		Timeouts: Timeouts{Connect: 10 * time.Second, Command: 10 * time.Second, Answer: 10 * time.Second},
	}
	for _, f := range change {
		f(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func yes() error { return nil }

// soon ends after 20 s: what has not happened by then will not.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// expect fails the test when the result is not as said, or would leak.
func expect(t *testing.T, got Result, outcome Outcome, stage Stage, code int) {
	t.Helper()
	if got.Outcome != outcome || got.Stage != stage || got.Code != code {
		t.Fatalf("outcome %v at %q with code %d (%v), want %v at %q with code %d",
			got.Outcome, got.Stage, got.Code, got.Err, outcome, stage, code)
	}
	if (got.Err == nil) != (outcome == Accepted) {
		t.Errorf("%v with error %v", got.Outcome, got.Err)
	}
	if got.Err != nil && strings.Contains(got.Err.Error(), "family.example") {
		t.Errorf("the error tells an address: %v", got.Err)
	}
}

func TestAcceptedLetterArrivesWhole(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	l := letter(1)
	checks := 0
	got := carrier(t, peer).Send(t.Context(), l, func() error {
		checks++
		if n := len(peer.Messages()); n != 0 {
			t.Errorf("%d letters had left at the last check", n)
		}
		if to := peer.Recipients(); !slices.Equal(to, []string{l.To}) {
			t.Errorf("at the last check RCPT had named %v", to)
		}
		return nil
	})
	expect(t, got, Accepted, StageAnswer, 250)
	if checks != 1 {
		t.Errorf("the last check was asked %d times", checks)
	}
	if !strings.Contains(got.Answer, "queued as 1") {
		t.Errorf("the server's words are %q", got.Answer)
	}

	all := peer.Messages()
	if len(all) != 1 {
		t.Fatalf("the server has %d letters", len(all))
	}
	m := all[0]
	if m.Err != nil {
		t.Fatal(m.Err)
	}
	if m.From != "retour+"+l.ReturnToken+"@preau.example" || !slices.Equal(m.To, []string{l.To}) {
		t.Errorf("envelope %s → %v", m.From, m.To)
	}
	if m.Subject != l.Subject || m.Text != l.Text {
		t.Errorf("subject %q, text %q", m.Subject, m.Text)
	}
	for name, want := range map[string]string{
		"Message-Id":                "<" + l.MessageID + ">",
		"Auto-Submitted":            "auto-generated",
		"X-Auto-Response-Suppress":  "All",
		"Content-Language":          "fr",
		"Content-Type":              "text/plain; charset=UTF-8",
		"Content-Transfer-Encoding": "quoted-printable",
		"To":                        "<" + l.To + ">",
		"Date":                      "Tue, 06 Oct 2026 08:15:00 +0200",
		"User-Agent":                "",
		"X-Mailer":                  "",
		"Cc":                        "",
		"Bcc":                       "",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	from, err := m.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Lycée Anita-Conti" || from[0].Address != "absences@preau.example" {
		t.Errorf("From %v, %v", from, err)
	}
	for _, line := range bytes.Split(m.Raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("line of %d bytes, not plain ASCII: %q", len(line), line)
		}
	}
	rendered, err := carrier(t, peer).Render(l)
	if err != nil || !bytes.Equal(bytes.TrimRight(rendered, "\r\n"), bytes.TrimRight(m.Raw, "\r\n")) {
		t.Errorf("Render differs from what arrived (%v):\n%s\n%s", err, rendered, m.Raw)
	}
}

// TestOutcomes plays every fault of the peer and compares what we believe with
// what the peer holds.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	fault := func(at peers.Stage, do peers.Do, code int) peers.Fault {
		// The words begin with a digit of the other class and repeat the address, as
		// real servers do: only the code may count, and nothing may leak.
		text := map[bool]string{true: "4.2.0 camille.1@family.example no", false: "5.5.0 camille.1@family.example no"}[code >= 500]
		return peers.Fault{At: at, Do: do, Code: code, Text: text}
	}
	for _, tc := range []struct {
		fault peers.Fault
		want  Outcome
		stage Stage
		code  int
		held  int // letters the server has read whole
	}{
		{fault(peers.AtConnect, peers.Refuse, 554), NotWritten, StageConnect, 554, 0},
		{fault(peers.AtConnect, peers.Refuse, 421), NotWritten, StageConnect, 421, 0},
		{fault(peers.AtConnect, peers.Drop, 0), NotWritten, StageConnect, 0, 0},
		{fault(peers.AtMail, peers.Refuse, 550), Refused, StageMail, 550, 0},
		{fault(peers.AtMail, peers.Refuse, 452), Later, StageMail, 452, 0},
		{fault(peers.AtMail, peers.Drop, 0), NotWritten, StageMail, 0, 0},
		{fault(peers.AtRcpt, peers.Refuse, 550), Refused, StageRcpt, 550, 0},
		{fault(peers.AtRcpt, peers.Refuse, 450), Later, StageRcpt, 450, 0},
		{fault(peers.AtRcpt, peers.Drop, 0), NotWritten, StageRcpt, 0, 0},
		{fault(peers.AtData, peers.Refuse, 554), Refused, StageData, 554, 0},
		{fault(peers.AtData, peers.Refuse, 451), Later, StageData, 451, 0},
		{fault(peers.AtData, peers.Drop, 0), NotWritten, StageData, 0, 0},
		{fault(peers.AtContent, peers.Drop, 0), Unsure, StageAnswer, 0, 0},
		{fault(peers.AtAnswer, peers.Refuse, 552), Refused, StageAnswer, 552, 1},
		{fault(peers.AtAnswer, peers.Refuse, 451), Later, StageAnswer, 451, 1},
		{fault(peers.AtAnswer, peers.Drop, 0), Unsure, StageAnswer, 0, 1},
		{fault(peers.After, peers.Drop, 0), Accepted, StageAnswer, 250, 1},
	} {
		t.Run(fmt.Sprintf("%s/%s%d", tc.fault.At, tc.fault.Do, tc.fault.Code), func(t *testing.T) {
			before, faulted := len(peer.Messages()), peer.Faulted(tc.fault.At)
			peer.Plan(tc.fault)
			got := carrier(t, peer).Send(t.Context(), letter(1), yes)
			expect(t, got, tc.want, tc.stage, tc.code)
			if n := len(peer.Messages()) - before; n != tc.held {
				t.Errorf("the server has read %d letters, want %d", n, tc.held)
			}
			if peer.Faulted(tc.fault.At) != faulted+1 {
				t.Error("the fault was not played")
			}
			// The second attempt, without faults, is the same letter under the same name.
			expect(t, carrier(t, peer).Send(t.Context(), letter(1), yes), Accepted, StageAnswer, 250)
			all := peer.Messages()[before:]
			if len(all) != tc.held+1 || !bytes.Equal(all[0].Raw, all[tc.held].Raw) {
				t.Errorf("%d letters, or two that differ", len(all))
			}
		})
	}
}

// TestNoAnswerInTime stalls the peer at each stage, all at the same time.
func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for at, want := range map[peers.Stage]struct {
		outcome Outcome
		stage   Stage
		held    int
	}{
		peers.AtConnect: {NotWritten, StageConnect, 0},
		peers.AtMail:    {NotWritten, StageMail, 0},
		peers.AtRcpt:    {NotWritten, StageRcpt, 0},
		peers.AtData:    {NotWritten, StageData, 0},
		peers.AtAnswer:  {Unsure, StageAnswer, 1},
	} {
		peer := peers.SMTP(t, peers.MailServerOptions{Faults: []peers.Fault{{At: at, Do: peers.Stall}}})
		impatient := carrier(t, peer, func(c *Config) {
			// The stalled stage alone is short: the others may be slow on a busy machine.
			short := 2 * time.Second
			switch at {
			case peers.AtConnect:
				c.Timeouts.Connect = short
			case peers.AtAnswer:
				c.Timeouts.Answer = short
			default:
				c.Timeouts.Command = short
			}
		})
		all.Go(func() {
			got := impatient.Send(t.Context(), letter(1), yes)
			if got.Outcome != want.outcome || got.Stage != want.stage || got.Code != 0 {
				t.Errorf("stalled at %s: %v at %q with code %d (%v), want %v at %q", at, got.Outcome, got.Stage, got.Code, got.Err, want.outcome, want.stage)
			}
			if got.Err == nil || !strings.Contains(got.Err.Error(), "no answer in time") || strings.Contains(got.Err.Error(), "family.example") {
				t.Errorf("stalled at %s: the error is %v", at, got.Err)
			}
			if n := len(peer.Messages()); n != want.held {
				t.Errorf("stalled at %s: the server has read %d letters, want %d", at, n, want.held)
			}
		})
	}
	all.Wait()
}

// TestLateAnswerIsWaitedFor lets the answer come after longer than any other
// step may take: the wait after the final dot has its own, longer limit.
func TestLateAnswerIsWaitedFor(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t, peers.MailServerOptions{Faults: []peers.Fault{{At: peers.AtAnswer, Do: peers.Stall}}})
	c := carrier(t, peer, func(c *Config) {
		c.Timeouts = Timeouts{Connect: 2 * time.Second, Command: 2 * time.Second, Answer: time.Minute}
	})
	result := make(chan Result, 1)
	go func() { result <- c.Send(t.Context(), letter(1), yes) }()
	if err := peer.WaitStalled(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-result:
		t.Fatalf("gave up after the time of a command: %v (%v)", got.Outcome, got.Err)
	case <-time.After(2500 * time.Millisecond):
	}
	peer.Release()
	expect(t, <-result, Accepted, StageAnswer, 250)
}

func TestDefaultWaitForTheAnswerIsTenMinutes(t *testing.T) {
	c, err := New(Config{Host: "mail.example", From: "absences@preau.example"})
	if err != nil {
		t.Fatal(err)
	}
	if c.config.Timeouts.Answer != 10*time.Minute || c.config.TLS != StartTLS || c.config.Port != 587 {
		t.Errorf("defaults are %+v", c.config)
	}
}

func TestStoppedByContext(t *testing.T) {
	t.Parallel()
	for at, want := range map[peers.Stage]Outcome{peers.AtConnect: NotWritten, peers.AtRcpt: NotWritten, peers.AtData: NotWritten, peers.AtAnswer: Unsure} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			peer := peers.SMTP(t, peers.MailServerOptions{Faults: []peers.Fault{{At: at, Do: peers.Stall}}})
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan Result, 1)
			go func() { result <- carrier(t, peer).Send(ctx, letter(1), yes) }()
			if err := peer.WaitStalled(soon(t), 1); err != nil {
				t.Fatal(err)
			}
			cancel()
			select {
			case got := <-result:
				if got.Outcome != want || !errors.Is(got.Err, context.Canceled) {
					t.Errorf("%v (%v), want %v", got.Outcome, got.Err, want)
				}
			case <-time.After(5 * time.Second):
				t.Error("still waiting 5 s after the stop")
			}
		})
	}
}

func TestLastCheckHoldsBack(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	stop := errors.New("the head pressed stop")
	got := carrier(t, peer).Send(t.Context(), letter(1), func() error { return stop })
	expect(t, got, NotWritten, StageCheck, 0)
	if !errors.Is(got.Err, stop) {
		t.Errorf("the reason is lost: %v", got.Err)
	}
	if len(peer.Messages()) != 0 || len(peer.Recipients()) != 1 {
		t.Errorf("%d letters, %d recipients named", len(peer.Messages()), len(peer.Recipients()))
	}
}

// TestLastCheckIsRepeatedWhenDataIsSlow holds a letter back after 354: only the
// end of the connection is left to say so, and the server must not deliver.
func TestLastCheckIsRepeatedWhenDataIsSlow(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	c := carrier(t, peer)
	c.slowData = 0 // every answer is slow
	stop, checks := errors.New("the letter has expired"), 0
	got := c.Send(t.Context(), letter(1), func() error {
		if checks++; checks == 2 {
			return stop
		}
		return nil
	})
	expect(t, got, NotWritten, StageCheck, 0)
	if checks != 2 || len(peer.Messages()) != 0 {
		t.Errorf("%d checks, %d letters", checks, len(peer.Messages()))
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Host: "127.0.0.1", Port: port, TLS: NoTLS, From: "absences@preau.example"})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, c.Send(t.Context(), letter(1), yes), NotWritten, StageConnect, 0)
}

// TestStrangeAnswers uses a listener of our own for what the real peer will not
// say: answers outside the protocol.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct {
		outcome Outcome
		code    int
	}{
		"200 taken":                        {Accepted, 200},
		"251 will forward":                 {Accepted, 251},
		"354 go on":                        {Unsure, 354},
		"999 what":                         {Unsure, 0},
		"HTTP/1.1 400 Bad Request":         {Unsure, 0},
		"":                                 {Unsure, 0},
		"550-no\r\n550 camille@f.example":  {Refused, 550},
		"421 4.3.0 closing":                {Later, 421},
		"5":                                {Unsure, 0},
		"250-half an answer, and then EOF": {Unsure, 0},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			port := scripted(t, answer)
			c, err := New(Config{Host: "127.0.0.1", Port: port, TLS: NoTLS, From: "absences@preau.example", Timeouts: Timeouts{Answer: 5 * time.Second}})
			if err != nil {
				t.Fatal(err)
			}
			got := c.Send(t.Context(), letter(1), yes)
			if got.Outcome != want.outcome || got.Code != want.code {
				t.Errorf("%v with %d (%v), want %v with %d", got.Outcome, got.Code, got.Err, want.outcome, want.code)
			}
			if strings.ContainsAny(got.Answer, "\r\n") || got.Err != nil && strings.Contains(got.Err.Error(), "example") {
				t.Errorf("answer %q, error %v", got.Answer, got.Err)
			}
		})
	}
}

// scripted listens for one conversation and gives answer after the final dot.
func scripted(t *testing.T, answer string) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "220 strange.example\r\n")
		buffer, seen, data := make([]byte, 4096), "", false
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			seen += string(buffer[:n])
			switch {
			case data && strings.HasSuffix(seen, "\r\n.\r\n"):
				if answer != "" {
					fmt.Fprint(conn, answer+"\r\n")
				}
				return
			case data || !strings.HasSuffix(seen, "\r\n"):
				continue
			case strings.HasPrefix(seen, "DATA"):
				fmt.Fprint(conn, "354 go\r\n")
				data = true
			default:
				fmt.Fprint(conn, "250 ok\r\n")
			}
			seen = ""
		}
	})
	t.Cleanup(func() { _ = listener.Close(); ended.Wait() })
	return listener.Addr().(*net.TCPAddr).Port
}

func TestManyAtOnceKeepTheirRecipients(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	c := carrier(t, peer)
	const letters = 40
	var all sync.WaitGroup
	for i := range letters {
		all.Go(func() {
			if got := c.Send(t.Context(), letter(i), yes); got.Outcome != Accepted {
				t.Errorf("letter %d: %v (%v)", i, got.Outcome, got.Err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, m := range peer.Messages() {
		var number int
		if _, err := fmt.Sscanf(m.MessageID(), "<alert-%d.1@", &number); err != nil {
			t.Fatal(err)
		}
		if want := letter(number); len(m.To) != 1 || m.To[0] != want.To || m.From != "retour+"+want.ReturnToken+"@preau.example" {
			t.Errorf("letter %d went to %v, bounces to %s", number, m.To, m.From)
		}
		seen[m.MessageID()] = true
	}
	if len(seen) != letters {
		t.Errorf("%d different letters, want %d", len(seen), letters)
	}
}
