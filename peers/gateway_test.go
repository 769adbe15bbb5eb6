package peers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// askGateway makes a plain request with the standard library's client, on a connection of its own.
func askGateway(t *testing.T, g *HTTPGateway, to string) (status int, body string, err error) {
	t.Helper()
	values := url.Values{"username": {"preau"}, "password": {"ardoise"}, "to": {to}, "from": {"LYCEE"}, "text": {"été & hiver"}, "validity": {"30"}}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(g.URL()+"/send", values)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response.StatusCode, string(read), err
}

func TestGatewayCounts(t *testing.T) {
	t.Parallel()
	g := Gateway(t, GatewayOptions{Mode: Plain, User: "preau", Password: "ardoise"})
	if status, body, err := askGateway(t, g, "+33639980001"); err != nil || status != 202 || body != "0: Accepted for delivery" {
		t.Fatalf("%d %q %v", status, body, err)
	}
	taken := g.Taken()
	if len(taken) != 1 || len(taken[0].To) != 1 || taken[0].To[0] != "+33639980001" || taken[0].Text != "été & hiver" || taken[0].TTL != "30" || !taken[0].Auth {
		t.Fatalf("read %+v", taken)
	}
	g.Plan(GatewayFault{Do: GatewayRefuse, Status: 429, To: "+33639980002"}, GatewayFault{Do: GatewayAnswer, Status: 500, To: "+33639980003"},
		GatewayFault{Do: GatewayRedirect, To: "+33639980004"})
	for to, want := range map[string]int{"+33639980002": 429, "+33639980003": 500, "+33639980004": 307, "+33639980005": 202} {
		if status, _, err := askGateway(t, g, to); status != want {
			t.Errorf("%s was answered %d, want %d (%v)", to, status, want, err)
		}
	}
	if r, n := len(g.Requests()), len(g.Taken()); r != 5 || n != 4 {
		t.Errorf("%d requests of which %d taken, want 5 and 4", r, n)
	}
	for _, do := range []GatewayDo{GatewayDropUnread, GatewayDrop, GatewayCut} {
		before := len(g.Requests())
		g.Plan(GatewayFault{Do: do})
		if _, _, err := askGateway(t, g, "+33639980006"); err == nil {
			t.Errorf("%s: a whole answer came", do)
		}
		want := 1
		if do == GatewayDropUnread {
			want = 0
		}
		if read := len(g.Requests()) - before; read != want || g.Played(do) != 1 {
			t.Errorf("%s: %d requests read, want %d; played %d times", do, read, want, g.Played(do))
		}
	}
	g.Plan(GatewayFault{Do: GatewayHuge})
	if _, body, err := askGateway(t, g, "+33639980007"); err != nil || len(body) < 8<<20 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	g.Plan(GatewayFault{Do: GatewayRaw, Body: "what?\r\n"})
	if _, _, err := askGateway(t, g, "+33639980008"); err == nil {
		t.Error("raw bytes were read as HTTP")
	}
}

func TestGatewayStallsUntilReleased(t *testing.T) {
	t.Parallel()
	g := Gateway(t, GatewayOptions{Mode: Plain, User: "preau", Password: "ardoise", TLS: false, Faults: []GatewayFault{{Do: GatewayStall}, {Do: GatewaySlow}}})
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for n := range 2 {
		status := make(chan int, 1)
		go func() {
			s, _, _ := askGateway(t, g, "+33639980001")
			status <- s
		}()
		if err := g.WaitStalled(soon, n+1); err != nil {
			t.Fatal(err)
		}
		select {
		case s := <-status:
			t.Fatalf("answered %d before the release", s)
		default:
		}
		g.Release()
		if s := <-status; s != 202 {
			t.Errorf("after the release: %d", s)
		}
	}
}

// TestGatewayCalls: receipts and replies reach the address that the request named.
func TestGatewayCalls(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 10)
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got <- r
		w.WriteHeader(204)
	}))
	defer ours.Close()
	g := Gateway(t, GatewayOptions{Mode: Twilio, User: "AC1", Password: "ardoise"})
	form := url.Values{"To": {"+33639980001"}, "From": {"LYCEE"}, "Body": {"bonjour"}, "StatusCallback": {ours.URL + "/x?letter=L1"}}
	request, err := http.NewRequest("POST", g.URL()+"/2010-04-01/Accounts/AC1/Messages.json", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("AC1", "ardoise")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var said struct{ SID, Status string }
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil || response.StatusCode != 201 || said.Status != "queued" {
		t.Fatalf("%d %+v %v", response.StatusCode, said, err)
	}
	if c := g.Report(GatewayReport{Number: 1, Status: "delivered"}); c.Status != 204 {
		t.Errorf("our answer: %+v", c)
	}
	r := <-got
	if r.PostForm.Get("MessageSid") != said.SID || r.PostForm.Get("MessageStatus") != "delivered" || r.URL.RawQuery != "letter=L1" || r.Header.Get("X-Twilio-Signature") == "" {
		t.Errorf("the receipt is %v on %s", r.PostForm, r.URL)
	}
	if c := g.Reply(ours.URL+"/x", "+33639980001", "LYCEE", "STOP"); c.Status != 204 {
		t.Errorf("our answer: %+v", c)
	}
	if r := <-got; r.PostForm.Get("Body") != "STOP" || r.PostForm.Get("SmsStatus") != "received" {
		t.Errorf("the reply is %v", r.PostForm)
	}
}

func TestGatewayRefusesStrangers(t *testing.T) {
	t.Parallel()
	g := Gateway(t, GatewayOptions{Mode: Plain, User: "preau", Password: "craie"})
	if status, _, err := askGateway(t, g, "+33639980001"); err != nil || status != 403 {
		t.Errorf("%d %v", status, err)
	}
	if len(g.Taken()) != 0 || len(g.Requests()) != 1 {
		t.Error("a stranger's message was taken")
	}
	if _, err := StartGateway(GatewayOptions{Mode: "fax"}); err == nil {
		t.Error("the mode fax was started")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.WaitStalled(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("waited to the end with %v", err)
	}
}
