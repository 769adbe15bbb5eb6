package peers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// TestKannel: a message given over HTTP reaches the SMS centre, and its receipts and an
// answer come back over HTTP.
func TestKannel(t *testing.T) {
	t.Parallel()
	soon, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	calls := make(chan url.Values, 10)
	ours := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r.URL.Query() }))
	defer ours.Close()
	centre := SMPP(t, SMSCentreOptions{Receipts: SMSDelivered})
	kannel := Kannel(t, centre, KannelOptions{Password: "ardoise", ReplyURL: ours.URL})
	values := url.Values{"username": {"preau"}, "password": {"ardoise"}, "from": {"LYCEE"}, "to": {"+33639980001"}, "text": {"été"}, "charset": {"UTF-8"}, "coding": {"0"},
		"validity": {"30"}, "dlr-mask": {"31"}, "dlr-url": {ours.URL + "/?letter=L1&status=%d&to=%p&code=%A"}}
	give := func() (*http.Response, error) { return http.Get(kannel.URL() + "/cgi-bin/sendsms?" + values.Encode()) }
	response, err := give()
	if errors.Is(err, io.EOF) { // seldom, smsbox closes what it just accepted; had it taken the message, two would be counted below
		t.Logf("closed without an answer: %s", kannel.boxes[1].said.String())
		response, err = give()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, kannel.boxes[1].said.String())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 202 || string(body) != "0: Accepted for delivery" {
		t.Fatalf("%d %q %v", response.StatusCode, body, err)
	}
	taken, err := centre.Wait(soon, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s := taken[0]; s.Text != "été" || s.To != "33639980001" || s.From != "LYCEE" || s.SourceTON != 5 || s.Validity == "" {
		t.Errorf("the centre read %+v", s)
	}
	next := func() url.Values {
		select {
		case v := <-calls:
			return v
		case <-soon.Done():
			t.Fatalf("nobody called: %s", kannel.boxes[1].said.String())
			return nil
		}
	}
	seen := map[string]bool{}
	for range 2 { // with the centre, and on the telephone: in either order
		v := next()
		seen[v.Get("status")] = true
		if v.Get("letter") != "L1" || v.Get("to") != "+33639980001" {
			t.Errorf("receipt %v", v)
		}
	}
	if !seen["8"] || !seen["1"] {
		t.Errorf("receipts %v", seen)
	}
	centre.Deliver(SMSDeliver{From: "33639980001", To: "36111", Text: "STOP & fin"})
	if v := next(); v.Get("from") != "+33639980001" || v.Get("text") != "STOP & fin" {
		t.Errorf("reply %v", v)
	}
	if n := len(centre.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}
