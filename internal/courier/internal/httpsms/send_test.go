package httpsms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

func TestAcceptedMessageIsTheOneThatWasGiven(t *testing.T) {
	t.Parallel()
	g := peers.Gateway(t, peers.GatewayOptions{Mode: peers.JSON, Password: secrets["password"], TLS: true})
	p, m, looks := byJSON(t, g), message(), 0
	m.Text = "\"Zoë\" \\ {to} </script>\n\u2028 œuf 😀 & + %41"
	got := p.Send(t.Context(), m, func() (time.Duration, error) {
		looks++
		if g.Connections() != 1 || len(g.Requests()) != 0 {
			t.Errorf("at the last look: %d connections, %d requests", g.Connections(), len(g.Requests()))
		}
		return halfAnHour()
	})
	expect(t, got, sms.Accepted)
	if looks != 1 || got.Parts[0] != "m-1" {
		t.Errorf("%d last looks; id %v", looks, got.Parts)
	}
	all := g.Requests()
	if len(all) != 1 {
		t.Fatalf("%d requests", len(all))
	}
	r := all[0]
	if len(r.To) != 1 || r.To[0] != m.To || r.Text != m.Text || r.ID != m.Letter || r.From != "LYCEE" || r.TTL != "1859" || !r.Auth || !r.Taken || r.Key != "" {
		t.Errorf("read %+v", r)
	}
	if r.Header("Connection") != "close" || r.Header("User-Agent") != "Preau" || r.Header("Accept-Encoding") != "" {
		t.Errorf("headers %v", r.Headers)
	}
}

// faults are what can happen to a request, and what we may say of it.
var faults = []struct {
	name  string
	fault peers.GatewayFault
	want  sms.Outcome
	read  int // requests read whole
	taken int
}{
	{"dropped unread", peers.GatewayFault{Do: peers.GatewayDropUnread}, sms.Unsure, 0, 0},
	{"dropped read", peers.GatewayFault{Do: peers.GatewayDrop}, sms.Unsure, 1, 1},
	{"500", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 500, Body: `{"error":"oops"}`}, sms.Unsure, 1, 1},
	{"502 without words", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 502}, sms.Unsure, 1, 1},
	{"503 of somebody else", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 503, Body: "<html>busy</html>", Type: "text/html"}, sms.Unsure, 1, 1},
	{"503 in its own words", peers.GatewayFault{Do: peers.GatewayRefuse, Status: 503, Body: `{"error":"queue_full"}`}, sms.Later, 1, 0},
	{"429", peers.GatewayFault{Do: peers.GatewayRefuse, Status: 429}, sms.Later, 1, 0},
	{"400 with a code", peers.GatewayFault{Do: peers.GatewayRefuse, Status: 400, Body: `{"error":"bad_number","echo":"+33639980001 fourmi-ardoise"}`}, sms.Refused, 1, 0},
	{"400 of somebody else", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 400, Body: "bad request"}, sms.Unsure, 1, 1},
	{"404", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 404, Body: `{"error":"none"}`}, sms.Unsure, 1, 1},
	{"408", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 408}, sms.Unsure, 1, 1},
	{"200 that is not the yes", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 200, Body: `{"message":{"id":"m-9"},"state":"queued"}`}, sms.Unsure, 1, 1},
	{"201 garbage", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 201, Body: "<html>welcome</html>"}, sms.Unsure, 1, 1},
	{"201 without an id", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 201, Body: `{"state":"queued"}`}, sms.Unsure, 1, 1},
	{"201 in another state", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 201, Body: `{"message":{"id":"m-9"},"state":"lost"}`}, sms.Unsure, 1, 1},
	{"201 and more", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 201, Body: `{"message":{"id":"m-9"},"state":"queued"} {}`}, sms.Unsure, 1, 1},
	{"201 with an endless id", peers.GatewayFault{Do: peers.GatewayAnswer, Status: 201, Body: `{"message":{"id":"` + strings.Repeat("m", 300) + `"},"state":"queued"}`}, sms.Unsure, 1, 1},
	{"huge", peers.GatewayFault{Do: peers.GatewayHuge}, sms.Unsure, 1, 1},
	{"redirected", peers.GatewayFault{Do: peers.GatewayRedirect}, sms.Unsure, 1, 1},
	{"cut", peers.GatewayFault{Do: peers.GatewayCut}, sms.Unsure, 1, 1},
	{"not HTTP", peers.GatewayFault{Do: peers.GatewayRaw, Body: "250 queued as 1\r\n"}, sms.Unsure, 1, 1},
	{"nothing", peers.GatewayFault{Do: peers.GatewayRaw}, sms.Unsure, 1, 1},
	{"preliminary only", peers.GatewayFault{Do: peers.GatewayRaw, Body: strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 10)}, sms.Unsure, 1, 1},
	{"endless header", peers.GatewayFault{Do: peers.GatewayRaw, Body: "HTTP/1.1 201 Created\r\nX: " + strings.Repeat("y", 600<<10)}, sms.Unsure, 1, 1},
	{"endless", peers.GatewayFault{Do: peers.GatewayRaw, Body: "HTTP/1.1 201 Created\r\n\r\n{\"message\":{\"id\":\"m-9\"},\"state\":\"queued\"}" + strings.Repeat(" ", 600<<10)}, sms.Unsure, 1, 1},
	{"chunks without an end", peers.GatewayFault{Do: peers.GatewayRaw, Body: "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"mes\r\n"}, sms.Unsure, 1, 1},
	{"after a preliminary answer", peers.GatewayFault{Do: peers.GatewayRaw, Body: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n{\"message\":{\"id\":\"m-9\"},\"state\":\"queued\"}"}, sms.Accepted, 1, 1},
	{"no fault", peers.GatewayFault{Do: peers.GatewayStall, To: "nobody"}, sms.Accepted, 1, 1},
}

// TestOutcomes plays every fault and compares what we believe with what the peer counted.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	g := jsonGateway(t)
	p := byJSON(t, g)
	for _, tc := range faults {
		t.Run(tc.name, func(t *testing.T) {
			read, taken, connections := len(g.Requests()), len(g.Taken()), g.Connections()
			g.Plan(tc.fault)
			got := p.Send(t.Context(), message(), halfAnHour)
			expect(t, got, tc.want)
			if r, n := len(g.Requests())-read, len(g.Taken())-taken; r != tc.read || n != tc.taken {
				t.Errorf("the peer read %d requests and took %d, want %d and %d", r, n, tc.read, tc.taken)
			}
			if n := g.Connections() - connections; n != 1 {
				t.Errorf("%d connections", n)
			}
			if tc.fault.To == "" && g.Played(tc.fault.Do) == 0 {
				t.Error("the fault was not played")
			}
		})
	}
}

// TestGETIsNotRepeated: a GET is what net/http repeats silently.
func TestGETIsNotRepeated(t *testing.T) {
	t.Parallel()
	g := peers.Gateway(t, peers.GatewayOptions{Mode: peers.Plain, User: "preau", Password: secrets["password"]})
	p := provider(t, carrierFile(t, "kannel", g.URL()))
	expect(t, p.Send(t.Context(), message(), halfAnHour), sms.Accepted)
	for i, do := range []peers.GatewayDo{peers.GatewayDropUnread, peers.GatewayDrop, peers.GatewayCut, peers.GatewayRedirect} {
		g.Plan(peers.GatewayFault{Do: do, Times: peers.Always})
		expect(t, p.Send(t.Context(), message(), halfAnHour), sms.Unsure)
		if n := g.Connections(); n != i+2 {
			t.Fatalf("%s: %d connections after %d messages", do, n, i+2)
		}
	}
	if n := len(g.Requests()); n != 4 {
		t.Errorf("%d requests were read, want 4: the drop before reading is not counted", n)
	}
}

// TestAnswerThenReset: the answer is whole or it is not; the message is never sent again.
func TestAnswerThenReset(t *testing.T) {
	t.Parallel()
	g := jsonGateway(t, peers.GatewayFault{Do: peers.GatewayReset})
	got := byJSON(t, g).Send(t.Context(), message(), halfAnHour)
	if got.Outcome != sms.Accepted && got.Outcome != sms.Unsure {
		t.Errorf("%v (%v)", got.Outcome, got.Err)
	}
	if len(g.Requests()) != 1 {
		t.Errorf("%d requests", len(g.Requests()))
	}
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	for _, do := range []peers.GatewayDo{peers.GatewayStall, peers.GatewaySlow} {
		t.Run(string(do), func(t *testing.T) {
			t.Parallel()
			g := jsonGateway(t, peers.GatewayFault{Do: do})
			p := byJSON(t, g)
			p.config.Timeout = time.Second
			got := p.Send(t.Context(), message(), halfAnHour)
			expect(t, got, sms.Unsure)
			if !strings.Contains(got.Err.Error(), "no answer in time") || len(g.Taken()) != 1 {
				t.Errorf("%v; the peer took %d", got.Err, len(g.Taken()))
			}
		})
	}
}

func TestStoppedByContext(t *testing.T) {
	t.Parallel()
	g := jsonGateway(t, peers.GatewayFault{Do: peers.GatewayStall})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan sms.Result, 1)
	go func() { result <- byJSON(t, g, idempotent...).Send(ctx, message(), halfAnHour) }()
	if err := g.WaitStalled(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case got := <-result:
		expect(t, got, sms.Unsure)
		if !errors.Is(got.Err, context.Canceled) || len(g.Requests()) != 1 {
			t.Errorf("%v after %d requests", got.Err, len(g.Requests()))
		}
	case <-soon(t).Done():
		t.Fatal("still waiting")
	}
	got := byJSON(t, g).Send(ctx, message(), halfAnHour)
	expect(t, got, sms.NotWritten)
	// Stopped within the last look: nothing may leave any more.
	ctx, cancel = context.WithCancel(t.Context())
	got = byJSON(t, g).Send(ctx, message(), func() (time.Duration, error) { cancel(); return time.Hour, nil })
	expect(t, got, sms.NotWritten)
	if len(g.Requests()) != 1 {
		t.Errorf("%d requests", len(g.Requests()))
	}
}

func TestNotWritten(t *testing.T) {
	t.Parallel()
	g := peers.Gateway(t, peers.GatewayOptions{Mode: peers.JSON, Password: secrets["password"], TLS: true})
	stop := errors.New("the head pressed stop")
	got := byJSON(t, g).Send(t.Context(), message(), func() (time.Duration, error) { return time.Hour, stop })
	expect(t, got, sms.NotWritten)
	if !errors.Is(got.Err, stop) {
		t.Errorf("the reason is lost: %v", got.Err)
	}
	expect(t, byJSON(t, g).Send(t.Context(), message(), nil), sms.NotWritten)
	for _, left := range []time.Duration{0, -time.Hour, 999 * time.Millisecond} {
		got := byJSON(t, g).Send(t.Context(), message(), func() (time.Duration, error) { return left, nil })
		expect(t, got, sms.NotWritten)
	}
	// Whoever cannot be vouched for hears nothing.
	stranger := byJSON(t, g)
	stranger.config.Roots = nil
	got = stranger.Send(t.Context(), message(), halfAnHour)
	expect(t, got, sms.NotWritten)
	if !strings.Contains(got.Err.Error(), "certificate") {
		t.Errorf("the error is %v", got.Err)
	}
	// A connection that ends within the handshake.
	g.Plan(peers.GatewayFault{Do: peers.GatewayDropUnread})
	expect(t, byJSON(t, g).Send(t.Context(), message(), halfAnHour), sms.NotWritten)
	// Nobody listens.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	nobody := provider(t, []byte(strings.ReplaceAll(jsonProvider, "%URL%", address)))
	expect(t, nobody.Send(t.Context(), message(), halfAnHour), sms.NotWritten)
	if err := nobody.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("check: %v", err)
	}
	if n := len(g.Requests()); n != 0 {
		t.Errorf("%d requests were read", n)
	}
}

// TestMessagesRefused: what could reach a second telephone gets no connection.
func TestMessagesRefused(t *testing.T) {
	t.Parallel()
	g := jsonGateway(t)
	p := byJSON(t, g)
	for name, change := range map[string]func(*sms.Message){
		"two recipients": func(m *sms.Message) { m.To = "+33639980001,+33639980002" },
		"two lines":      func(m *sms.Message) { m.To = "+33639980001\n+33639980002" },
		"national":       func(m *sms.Message) { m.To = "0639980001" },
		"no recipient":   func(m *sms.Message) { m.To = "" },
		"no text":        func(m *sms.Message) { m.Text = " " },
		"not UTF-8":      func(m *sms.Message) { m.Text = "L\xe9a" },
		"NUL":            func(m *sms.Message) { m.Text = "L\x00a" },
		"endless":        func(m *sms.Message) { m.Text = strings.Repeat("a", 2001) },
		"no letter":      func(m *sms.Message) { m.Letter = "" },
		"header":         func(m *sms.Message) { m.Letter = "1\r\nX: y" },
	} {
		t.Run(name, func(t *testing.T) {
			m := message()
			change(&m)
			expect(t, p.Send(t.Context(), m, func() (time.Duration, error) { t.Error("the last look was asked"); return 0, nil }), sms.Refused)
		})
	}
	if g.Connections() != 0 {
		t.Errorf("%d connections", g.Connections())
	}
}

// TestRepeatedOnceWithItsKey: the provider promises to take a key once, and counts.
func TestRepeatedOnceWithItsKey(t *testing.T) {
	t.Parallel()
	g := jsonGateway(t)
	p := byJSON(t, g, idempotent...)
	p.config.Timeout = 2 * time.Second
	n := 0
	try := func(left time.Duration, plan ...peers.GatewayFault) (sms.Result, []peers.GatewayRequest) {
		g.Plan(plan...)
		before := len(g.Requests())
		m := message()
		n++
		m.Letter = fmt.Sprintf("letter-%d", n)
		got := p.Send(t.Context(), m, func() (time.Duration, error) { return left, nil })
		return got, g.Requests()[before:]
	}
	for _, do := range []peers.GatewayDo{peers.GatewayDrop, peers.GatewayCut, peers.GatewayHuge, peers.GatewayStall, peers.GatewayDropUnread} {
		got, all := try(time.Hour, peers.GatewayFault{Do: do})
		expect(t, got, sms.Accepted)
		if do == peers.GatewayDropUnread {
			if len(all) != 1 || !all[0].Taken {
				t.Errorf("%s: %d requests", do, len(all))
			}
			continue
		}
		if len(all) != 2 || all[0].Key != fmt.Sprintf("letter-%d", n) || all[1].Key != all[0].Key || string(all[1].Body) != string(all[0].Body) || !all[0].Taken || all[1].Taken || !all[1].Again {
			t.Errorf("%s: requests %+v", do, all)
		}
		if all[0].TTL != "3598" {
			t.Errorf("the lifetime is %s: a repetition may begin 2 s later", all[0].TTL)
		}
	}
	g.Release()
	// The no to the repetition is not about the first.
	got, all := try(time.Hour, peers.GatewayFault{Do: peers.GatewayDrop}, peers.GatewayFault{Do: peers.GatewayRefuse, Status: 429})
	expect(t, got, sms.Unsure)
	if len(all) != 2 {
		t.Errorf("%d requests", len(all))
	}
	got, all = try(time.Hour, peers.GatewayFault{Do: peers.GatewayDrop, Times: peers.Always})
	expect(t, got, sms.Unsure)
	if len(all) != 2 {
		t.Errorf("%d requests, want one repetition", len(all))
	}
	// A no at once is a no.
	got, all = try(time.Hour, peers.GatewayFault{Do: peers.GatewayRefuse, Status: 429})
	expect(t, got, sms.Later)
	if len(all) != 1 {
		t.Errorf("%d requests", len(all))
	}
	// Too little time for a repetition.
	got, all = try(3*time.Second, peers.GatewayFault{Do: peers.GatewayStall})
	expect(t, got, sms.Unsure)
	if len(all) != 1 || all[0].TTL != "1" {
		t.Errorf("requests %+v", all)
	}
	got, all = try(2500*time.Millisecond, peers.GatewayFault{})
	expect(t, got, sms.NotWritten)
	if len(all) != 0 {
		t.Errorf("%d requests", len(all))
	}
}

// TestNobodyIsToldTwice draws faults, one after the other, and lets the peer judge:
// accepted was taken once, refused and not written were not, unsure at most once.
func TestNobodyIsToldTwice(t *testing.T) {
	g := jsonGateway(t)
	once, repeating := byJSON(t, g), byJSON(t, g, idempotent...)
	letter := 0
	rapid.Check(t, func(t *rapid.T) {
		var plan []peers.GatewayFault
		for range rapid.IntRange(0, 2).Draw(t, "faults") {
			tc := rapid.SampledFrom(faults).Draw(t, "fault")
			plan = append(plan, tc.fault)
		}
		p := once
		if rapid.Bool().Draw(t, "idempotent") {
			p = repeating
		}
		g.Plan(plan...)
		letter++
		m := message()
		m.Letter = fmt.Sprintf("drawn-%d", letter)
		before := len(g.Requests())
		left := time.Duration(rapid.IntRange(-10, 7200).Draw(t, "left")) * time.Second
		got := p.Send(t.Context(), m, func() (time.Duration, error) { return left, nil })
		rang := 0
		all := g.Requests()[before:]
		for _, r := range all {
			if len(r.To) != 1 || r.To[0] != m.To || r.ID != m.Letter {
				t.Fatalf("a request for %v, letter %s", r.To, r.ID)
			}
			if r.Taken {
				rang++
			}
		}
		if rang > 1 || len(all) > 2 || p == once && len(all) > 1 {
			t.Fatalf("%v: the telephone rang %d times after %d requests", got.Outcome, rang, len(all))
		}
		if want := map[sms.Outcome]int{sms.Accepted: 1, sms.Refused: 0, sms.Later: 0, sms.NotWritten: 0}; got.Outcome != sms.Unsure && rang != want[got.Outcome] {
			t.Fatalf("%v (%v): the telephone rang %d times", got.Outcome, got.Err, rang)
		}
	})
}

func TestManyAtOnceKeepTheirRecipients(t *testing.T) {
	t.Parallel()
	g := jsonGateway(t)
	p := byJSON(t, g)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			m := message()
			m.To, m.Letter, m.Text = fmt.Sprintf("+336399801%02d", i), fmt.Sprintf("L%d", i), fmt.Sprintf("message %d", i)
			if got := p.Send(t.Context(), m, halfAnHour); got.Outcome != sms.Accepted {
				t.Errorf("%d: %v (%v)", i, got.Outcome, got.Err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, r := range g.Requests() {
		if r.To[0][len(r.To[0])-2:] != fmt.Sprintf("%02s", strings.TrimPrefix(r.ID, "L")) || r.Text != "message "+strings.TrimPrefix(r.ID, "L") {
			t.Errorf("letter %s went to %v with %q", r.ID, r.To, r.Text)
		}
		seen[r.ID] = true
	}
	if len(seen) != 60 {
		t.Errorf("%d letters", len(seen))
	}
}

// TestRoom: no more at once than the window, no more in a second than the pace.
func TestRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := provider(t, []byte(strings.NewReplacer("%URL%", "http://127.0.0.1:9", `"per_second": 1000, "window": 100`, `"per_second": 3, "window": 2`).Replace(jsonProvider)))
		enter := func() func() {
			leave, err := p.enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		one := enter()
		two := enter()
		if p.Room() != 0 {
			t.Errorf("room for %d with a full window", p.Room())
		}
		one()
		select {
		case <-p.Changed(): // also for who asks afterwards
		default:
			t.Error("nobody was told of the room")
		}
		if p.Room() != 1 {
			t.Errorf("room for %d", p.Room())
		}
		begun := time.Now()
		enter()()
		two()
		if p.Room() != 0 {
			t.Errorf("room for %d after three in this second", p.Room())
		}
		enter()() // waits
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("the fourth waited %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		a, b := enter(), enter()
		if got := p.Send(ctx, message(), halfAnHour); got.Outcome != sms.NotWritten || !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("%v (%v)", got.Outcome, got.Err)
		}
		a()
		b()
		time.Sleep(2 * time.Second) // the clock of the bubble
		if p.Room() != 2 {
			t.Errorf("room for %d in the end", p.Room())
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	g := peers.Gateway(t, peers.GatewayOptions{Mode: peers.JSON, Password: secrets["password"], TLS: true})
	if err := byJSON(t, g).Check(t.Context()); err != nil {
		t.Error(err)
	}
	stranger := byJSON(t, g)
	stranger.config.Roots = nil
	if err := stranger.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("check of a certificate nobody vouches for: %v", err)
	}
	closed := peers.Gateway(t, peers.GatewayOptions{Mode: peers.JSON, CheckStatus: 401})
	err := byJSON(t, closed).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not let us sign in") {
		t.Errorf("check with wrong credentials: %v", err)
	}
	leaks(t, err.Error())
	if len(g.Requests())+len(closed.Requests()) != 0 {
		t.Error("a check sent something")
	}
}
