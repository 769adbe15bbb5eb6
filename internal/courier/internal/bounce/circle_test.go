package bounce

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/smtp"
	"github.com/preau-ent/preau/peers"
)

// TestFullCircle: a letter leaves through one server, comes back through another, and
// what came back names it. What is returned is what the first server read, to the
// address that the first server was told.
func TestFullCircle(t *testing.T) {
	t.Parallel()
	out, back := peers.SMTP(t), peers.POP3(t)
	c, err := smtp.New(smtp.Config{Host: out.Host(), Port: out.Port(), TLS: smtp.NoTLS, From: "absences@ent.example", Return: template})
	if err != nil {
		t.Fatal(err)
	}
	const letters = 3
	for i := range letters {
		r := c.Send(t.Context(), smtp.Letter{MessageID: fmt.Sprintf("<L%d@ent.example>", i), To: fmt.Sprintf("camille.%d@family.example", i),
			Subject: "Sacha n'est pas en classe", Text: "Bonjour.", ReturnToken: fmt.Sprintf("K7P2-%dF", i), Date: time.Unix(1791267300, 0)},
			func() error { return nil })
		if r.Outcome != smtp.Accepted {
			t.Fatal(r.Err)
		}
	}
	for _, m := range out.Messages() {
		back.Deliver(t, fmt.Appendf(nil, "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.mail.example\r\nTo: %s\r\n"+
			"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"+
			"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.mail.example\r\n\r\n"+
			"Final-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <%[2]s> no\r\n\r\n"+
			"--b\r\nContent-Type: message/rfc822\r\n\r\n%s\r\n--b--\r\n", m.From, m.To[0], m.Raw))
	}
	got := map[string]Bounce{}
	if _, err := box(t, back).Visit(t.Context(), func(b Bounce) error {
		if _, twice := got[b.Token]; twice {
			return errors.New("twice")
		}
		got[b.Token] = b
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range letters {
		token := fmt.Sprintf("K7P2-%dF", i)
		want := Bounce{token, fmt.Sprintf("L%d@ent.example", i), Failed, "5.1.1", "550 5.1.1 <…> no"}
		if got[token] != want {
			t.Errorf("%s gave %+v, want %+v", token, got[token], want)
		}
	}
	if len(got) != letters || len(back.Left(t)) != 0 {
		t.Errorf("%d came back, %d are left", len(got), len(back.Left(t)))
	}
}

// TestEveryReturnAddressIsReadBack, in whatever case it comes back.
func TestEveryReturnAddressIsReadBack(t *testing.T) {
	for _, template := range []string{template, "*@retour.ent.example", "*-retour@ent.example", "r+*+b@ent.example"} {
		for _, token := range []string{"A", "0", "-", "K7P2-1A", "A--B", strings.Repeat("Z", 40)} {
			address, err := smtp.ReturnAddress(template, token)
			if err != nil {
				t.Fatal(err)
			}
			for _, came := range []string{address, strings.ToLower(address), "<" + address + ">", "Lycée <" + address + ">"} {
				b, err := Parse([]byte("To: "+came+"\n\n"), template)
				if err != nil || b.Token != token {
					t.Errorf("%s gave %q, %v", came, b.Token, err)
				}
			}
		}
	}
}
