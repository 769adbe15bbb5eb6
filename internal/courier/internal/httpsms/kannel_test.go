package httpsms

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

// TestKannel carries messages through a gateway and an SMS centre that we did not
// write, as docs/carriers/kannel.json says; the centre counts.
func TestKannel(t *testing.T) {
	t.Parallel()
	o := callbacks(t)
	centre := peers.SMPP(t, peers.SMSCentreOptions{Receipts: peers.SMSDelivered})
	kannel := peers.Kannel(t, centre, peers.KannelOptions{Password: secrets["password"], ReplyURL: o.url()})
	p := provider(t, carrierFile(t, "kannel", kannel.URL()), func(c *Config) { c.CallbackURL = o.url() })
	o.serve(p)
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	texts := []string{
		"Lycée: Léa B. n'est pas en maths depuis 8h05, 24/11. Inutile d'appeler & 100 % [€]",
		"Lycée: Zoë n'est pas en maths depuis 8h05 ; œuf, 😀",
		strings.Repeat("Deux parties, à lire ensemble. ", 6),
	}
	for i, text := range texts {
		m := message()
		m.Letter, m.Text = "L"+strconv.Itoa(i), text
		got := p.Send(t.Context(), m, func() (time.Duration, error) { return 90 * time.Minute, nil })
		// Kannel 1.4.5 now and then takes a message and hangs up without an answer. That is
		// unsure, and the receipt settles it.
		if got.Outcome != sms.Unsure {
			expect(t, got, sms.Accepted)
		}
	}
	taken, err := centre.Wait(soon(t), 4)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range taken {
		if s.To != "33639980001" || s.From != "LYCEE" || s.Validity == "" {
			t.Errorf("the centre read %+v", s)
		}
		if s.Part > 1 {
			got[len(got)-1] += s.Text
		} else {
			got = append(got, s.Text)
		}
	}
	if !slices.Equal(got, texts) || len(taken) != 4 {
		t.Errorf("%d messages %q", len(taken), got)
	}
	// Each message has two receipts: taken by the centre, on the telephone. In any order.
	o.wait(soon(t), t, 2*len(texts))
	delivered := map[string]int{}
	for _, r := range o.receipts() {
		if r.To != message().To || r.ID != "" || r.Fate != sms.Delivered && r.Fate != sms.Underway {
			t.Errorf("receipt %+v", r)
		}
		if r.Fate == sms.Delivered {
			delivered[r.Letter]++
		}
	}
	if delivered["L0"] != 1 || delivered["L1"] != 1 || delivered["L2"] != 1 {
		t.Errorf("delivered %v", delivered)
	}
	before := len(o.called)
	centre.Deliver(peers.SMSDeliver{From: "33639980001", To: "36111", Text: "STOP"})
	called := o.wait(soon(t), t, 1)
	if last := called[len(called)-1]; len(called) != before+1 || !slices.Equal(last.Incoming, []sms.Incoming{{From: "+33639980001", Text: "STOP"}}) {
		t.Errorf("the reply is %+v", last)
	}
	if len(o.refused) != 0 {
		t.Errorf("refused: %v", o.refused)
	}
	wrong := provider(t, carrierFile(t, "kannel", kannel.URL()), func(c *Config) {
		c.Secrets = map[string]string{"password": "craie", "callback": secrets["callback"]}
	})
	expect(t, wrong.Send(t.Context(), message(), halfAnHour), sms.Later)
	if n := len(centre.Messages()); n != 4 {
		t.Errorf("%d messages in the end", n)
	}
}
