package smpp

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

// TestJudgedByTheCentre: whatever goes wrong with whatever messages at once, what we say
// of each is true of what the centre has taken, and no part is ever taken twice.
func TestJudgedByTheCentre(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t)
	s, _ := session(t, peer, sms.Inbox{}, func(c *Config) {
		c.Window = 5
		c.Timeouts.Answer, c.Timeouts.Throttle, c.Timeouts.Room = 250*time.Millisecond, time.Millisecond, 2*time.Second
	})
	faults := []peers.SMSFault{
		{At: peers.AtRead, Do: peers.SMSDrop},
		{At: peers.AtSubmit, Do: peers.SMSDrop},
		{At: peers.AtSubmit, Do: peers.SMSStall},
		{At: peers.AtSubmit, Do: peers.SMSTwice},
		{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMEThrottled},
		{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMEQueueFull},
		{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMESystemError},
		{At: peers.AtSubmit, Do: peers.SMSRefuseBody, Status: peers.ESMEInvalidDest},
		{At: peers.AtSubmit, Do: peers.SMSNack, Status: peers.ESMEThrottled},
		{At: peers.AtSubmit, Do: peers.SMSNack, Status: 3},
	}
	seen := map[sms.Outcome]int{}
	next := 0
	rapid.Check(t, func(rt *rapid.T) {
		type sent struct {
			m    sms.Message
			held bool // by the last look
			got  sms.Result
		}
		var plan []peers.SMSFault
		all := make([]*sent, rapid.IntRange(1, 5).Draw(rt, "messages"))
		for i := range all {
			next++
			text := strings.Repeat(rapid.SampledFrom([]string{"Léa ", "Zoë "}).Draw(rt, "text"), rapid.IntRange(1, 90).Draw(rt, "words"))
			all[i] = &sent{m: message(next, text), held: rapid.IntRange(0, 9).Draw(rt, "held") == 0}
			for range rapid.IntRange(0, 2).Draw(rt, "faults") {
				f := rapid.SampledFrom(faults).Draw(rt, "fault")
				f.To, f.Times = all[i].m.To[1:], rapid.IntRange(1, 5).Draw(rt, "times")
				plan = append(plan, f)
			}
		}
		peer.Plan(plan...)
		var sending sync.WaitGroup
		for _, one := range all {
			sending.Go(func() {
				one.got = s.Send(t.Context(), one.m, func() (time.Duration, error) {
					if one.held {
						return 0, fmt.Errorf("stopped")
					}
					return time.Hour, nil
				})
			})
		}
		sending.Wait()
		peer.Plan()
		peer.Release()
		taken := map[string][]peers.Short{}
		for _, m := range peer.Messages() {
			taken[m.To] = append(taken[m.To], m)
		}
		for _, one := range all {
			seen[one.got.Outcome]++
			parts, ids := map[int]bool{}, map[string]bool{}
			for _, p := range taken[one.m.To[1:]] {
				if parts[p.Part] {
					rt.Fatalf("part %d was taken twice, and we said %v", p.Part, one.got)
				}
				parts[p.Part], ids[p.ID] = true, true
			}
			switch n := sms.Parts(one.m.Text); {
			case one.got.Outcome == sms.Accepted && (len(parts) != n || len(one.got.Parts) != n):
				rt.Fatalf("accepted, %d of %d parts taken, ids %v", len(parts), n, one.got.Parts)
			case one.got.Outcome != sms.Accepted && one.got.Outcome != sms.Unsure && len(parts) != 0:
				rt.Fatalf("%v (%v), and %d parts taken", one.got.Outcome, one.got.Err, len(parts))
			case one.held && one.got.Outcome != sms.NotWritten:
				rt.Fatalf("held back and %v", one.got.Outcome)
			}
			for _, id := range one.got.Parts {
				if !ids[id] {
					rt.Fatalf("the centre knows no %q", id)
				}
			}
		}
		until(t, s, func(room int) bool { return room > 0 })
	})
	for _, o := range []sms.Outcome{sms.Unsure, sms.NotWritten, sms.Accepted, sms.Refused, sms.Later} {
		if seen[o] == 0 {
			t.Errorf("no message was %v: %v", o, seen)
		}
	}
	t.Logf("outcomes: %v over %d binds", seen, len(peer.Binds()))
}

// BenchmarkSubmit measures messages a second to a centre on this machine, unlimited and
// paced.
func BenchmarkSubmit(b *testing.B) {
	for _, pace := range []float64{0, 50, 200} {
		b.Run(fmt.Sprintf("pace=%g", pace), func(b *testing.B) {
			peer := peers.SMPP(b, peers.SMSCentreOptions{PerSecond: int(pace)})
			s, _ := session(b, peer, sms.Inbox{}, func(c *Config) { c.PerSecond = pace })
			b.ResetTimer()
			drive(b, s, b.N)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			if n := len(peer.Messages()); n != b.N || peer.Throttled() != 0 {
				b.Errorf("%d of %d taken, %d throttled", n, b.N, peer.Throttled())
			}
		})
	}
}
