package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// kept counts the messages that are kept, and gives those that came at this moment.
func (w *world) kept() (n int, now []Message) {
	w.t.Helper()
	w.in(func(ctx context.Context, tx database.Tx) (err error) {
		if err := tx.NewRaw("SELECT count(*) FROM guard_messages").Scan(ctx, &n); err != nil {
			return err
		}
		return tx.NewSelect().Model(&now).Where("m.received_at = ?", database.Stamp(w.now)).Scan(ctx)
	})
	return n, now
}

func (w *world) count() int { n, _ := w.kept(); return n }

// FuzzForm: whatever is asked of the HTTP endpoint, it keeps one message or none, says 202
// for what it has kept and for nothing else, and keeps what the form says and nothing
// that is not a text to a mobile telephone.
func FuzzForm(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	good := url.Values{"to": {number(1)}, "text": {"Lycée: Léa B. n'est pas en cours."}, "from": {"LYCEE"}}.Encode()
	kannel := "username=outil&password=ardoises&" + good
	f.Add(uint8(0), "", form, good, true)
	f.Add(uint8(0), "to=0639981234&to=0639981235", form, "text=a", true)
	f.Add(uint8(0), "to=0639981234", form, "to=0639981235&text=a", true)
	f.Add(uint8(0), "", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n0639981234\r\n--x--", true)
	f.Add(uint8(0), "", "application/json", `{"to":["+33639981234","+33639981235"],"text":"a"}`, true)
	f.Add(uint8(0), "", form, "to=%2B33639981234&text=%ff%00&validity=99999999999999999999", true)
	f.Add(uint8(0), "", form, "to=%2B33639981234%2C%2B33639981235&text=a&validity=15", true)
	f.Add(uint8(0), "validity=100000", form, "to=%2B33639981236&text=a", true)
	f.Add(uint8(0), "validity=-1", form, "to=%2B33639981237&text=a", true)
	f.Add(uint8(0), "", form, "to=%2B33639981234&text=a%ff", true)
	f.Add(uint8(0), "", form, "to=%2B33639981234&text=a%00b", true)
	f.Add(uint8(0), "", form, "to=%2B33639981234&text=%C2%A0", true)
	f.Add(uint8(1), kannel, "", "", false)
	f.Add(uint8(2), "", form, kannel, false)
	f.Add(uint8(1), "username=outil&username=x&password=&password=ardoises&"+good, "", "", false)
	f.Add(uint8(2), "a;b=c&%zz", form, "to", true)
	f.Add(uint8(3), "username=outil&password=ardoises", "", "x' OR ''='", false)
	w := newWorld(f, databasetest.SQLite(f))
	h := w.guard.handler()
	n, before := 0, 0
	f.Fuzz(func(t *testing.T, way uint8, query, kind, body string, signed bool) {
		w.t = t
		n++
		w.now = w.now.Add(time.Second) // nothing happens at the same moment; the signs count as ever
		method, path := http.MethodPost, "/messages"
		switch way % 4 {
		case 1:
			method, path = http.MethodGet, "/cgi-bin/sendsms"
		case 2:
			path = "/cgi-bin/sendsms"
		case 3:
			method, path = http.MethodGet, "/messages/"+url.PathEscape(body)
		}
		r := httptest.NewRequest(method, "http://guard.example/", strings.NewReader(body))
		r.URL = &url.URL{Path: path, RawQuery: query}
		if way%4 == 3 {
			r.URL.Path, r.URL.RawPath = "/messages/"+body, path
		}
		r.Header.Set("Content-Type", kind)
		r.RemoteAddr = fmt.Sprintf("127.0.%d.%d:1", n/250%250, n%250) // guessing is tried elsewhere
		if signed {
			r.SetBasicAuth("outil", "ardoises")
		}
		res := httptest.NewRecorder()
		h.ServeHTTP(res, r)
		said := res.Body.String()
		if res.Code >= 500 || !utf8.ValidString(said) {
			t.Fatalf("%d %q", res.Code, said)
		}
		count, now := w.kept()
		added := count - before
		before = count
		switch {
		case added < 0 || added > 1:
			t.Fatalf("one request, %d messages", added)
		case added == 1 && res.Code != http.StatusAccepted:
			t.Fatalf("kept, and answered %d", res.Code)
		case res.Code == http.StatusAccepted && !signed && !strings.Contains(query+body, "ardoises"):
			t.Fatal("taken from a stranger")
		case way%4 == 3 && res.Code == http.StatusAccepted:
			t.Fatal("asking for a state is not giving a message")
		}
		if res.Code != http.StatusAccepted {
			return
		}
		// What is kept is what one of the two forms says, to one telephone.
		var kept Message
		switch {
		case way%4 == 0:
			var given struct{ ID string }
			if err := json.Unmarshal(res.Body.Bytes(), &given); err != nil || given.ID == "" {
				t.Fatalf("taken as %q: %v", said, err)
			}
			kept = w.message(given.ID)
		case len(now) == 1:
			kept = now[0]
		default:
			return // the same message once more, and Kannel's answer has no id
		}
		asked, _ := url.ParseQuery(query)
		if more, err := url.ParseQuery(body); method == http.MethodPost && err == nil {
			for name, values := range more {
				asked[name] = append(asked[name], values...)
			}
		}
		if len(asked["to"]) != 1 || !slices.Equal(asked["text"], []string{kept.Text}) || len(asked["validity"]) > 1 {
			t.Fatalf("kept %q to %s of %q", kept.Text, kept.Address, asked)
		}
		if v := asked.Get("validity"); v != "" && strings.Trim(v, "+0123456789") != "" {
			t.Fatalf("kept for %q minutes", v)
		}
		if !utf8.ValidString(kept.Text) || strings.TrimSpace(kept.Text) == "" || strings.ContainsRune(kept.Text, 0) {
			t.Fatalf("kept %q", kept.Text)
		}
		if !strings.HasPrefix(kept.Address, "+") || strings.Trim(kept.Address[1:], "0123456789") != "" || len(kept.Address) < 8 || len(kept.Address) > 16 {
			t.Fatalf("to %q", kept.Address)
		}
		if life := kept.ExpiresAt.Sub(kept.ReceivedAt); life < ordinary.Gather+leastLife || life > ordinary.Life {
			t.Fatalf("a life of %s", life)
		}
		if way%4 != 0 && strings.Contains(said, kept.Text) && len(kept.Text) > 30 {
			t.Fatal("the answer repeats the message")
		}
	})
}

// requests are a message as the tool gives it over HTTP, each to a number of its own.
func requests(i int) map[string][]byte {
	form := url.Values{"to": {number(i)}, "text": {"Lycée: " + strings.Repeat("é", i%7) + " Léa B. n'est pas en cours."}}.Encode()
	return map[string][]byte{
		"form": []byte("POST /messages HTTP/1.1\r\nHost: guard\r\nAuthorization: Basic b3V0aWw6YXJkb2lzZXM=\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " + fmt.Sprint(len(form)) +
			"\r\nConnection: close\r\n\r\n" + form),
		"chunks": []byte("POST /messages HTTP/1.1\r\nHost: guard\r\nAuthorization: Basic b3V0aWw6YXJkb2lzZXM=\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked" +
			"\r\nConnection: close\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 9, form[:9], len(form)-9, form[9:])),
		"kannel": []byte("GET /cgi-bin/sendsms?username=outil&password=ardoises&" + form + " HTTP/1.1\r\nHost: guard\r\nConnection: close\r\n\r\n"),
	}
}

// TestHTTPByteByByte: a message is the same however the network cuts it, and one that is
// cut off is neither kept nor answered with a yes.
func TestHTTPByteByByte(t *testing.T) {
	both(t, func(w *world) {
		server := httptest.NewServer(w.guard.handler())
		defer server.Close()
		// say gives what was answered to what is said in pieces; cut: nothing follows.
		say := func(said []byte, piece int, cut bool) string {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				w.t.Fatal(err)
			}
			defer conn.Close()
			for len(said) > 0 {
				n := min(piece, len(said))
				if _, err := conn.Write(said[:n]); err != nil {
					break
				}
				said = said[n:]
			}
			if cut {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			answer, _ := io.ReadAll(conn)
			return string(answer)
		}
		want, i := 0, 0
		for _, piece := range []int{1, 2, 7, 1000} {
			i++
			for name, request := range requests(i) {
				w.now = w.now.Add(11 * time.Minute) // a message of its own
				if answer := say(request, piece, false); !strings.HasPrefix(answer, "HTTP/1.1 202") {
					w.t.Fatalf("%s in pieces of %d: %q", name, piece, answer)
				}
				if want++; w.count() != want {
					w.t.Fatalf("%s in pieces of %d: %d kept, want %d", name, piece, w.count(), want)
				}
			}
		}
		for name, request := range requests(50) {
			for cut := range request {
				if answer := say(request[:cut], 1000, true); strings.Contains(answer, " 202 ") {
					w.t.Fatalf("%s cut after %d of %d bytes: %q", name, cut, len(request), answer)
				}
			}
		}
		if n := w.count(); n != want {
			w.t.Errorf("%d kept of what was cut off", n-want)
		}
	})
}

// TestGuessing: whoever guesses passwords is not listened to, not even with the right one,
// and the tool at another address is.
func TestGuessing(t *testing.T) {
	both(t, func(w *world) {
		h := w.guard.handler()
		ask := func(from, password string) int {
			r := httptest.NewRequest(http.MethodPost, "/messages", bytes.NewReader([]byte(url.Values{"to": {number(1)}, "text": {"a"}}.Encode())))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = from
			r.SetBasicAuth("outil", password)
			res := httptest.NewRecorder()
			h.ServeHTTP(res, r)
			return res.Code
		}
		for i := range mostWrong {
			if code := ask("127.0.0.9:1", fmt.Sprint(i)); code != http.StatusUnauthorized {
				w.t.Fatalf("guess %d: %d", i, code)
			}
		}
		if code := ask("127.0.0.9:2", "ardoises"); code != http.StatusTooManyRequests {
			w.t.Errorf("after %d guesses: %d", mostWrong, code)
		}
		if code := ask("127.0.0.10:1", "ardoises"); code != http.StatusAccepted {
			w.t.Errorf("the tool: %d", code)
		}
		if by := w.states(); total(by) != 1 {
			w.t.Errorf("%v", by)
		}
	})
}

// TestRowsAgainstSQL: no row of what the tool gave, of what held it and of how it left is
// changed or goes, whoever writes the SQL.
func TestRowsAgainstSQL(t *testing.T) {
	both(t, func(w *world) {
		w.give(400, "un autre")
		w.give(401, "encore un autre")
		w.pass(time.Minute)
		for i := range 6 {
			w.give(i, "Votre enfant est absent ce jour.")
			w.give(i, "Le cours est annulé.")
		}
		databasetest.Withstand(w.t.(*testing.T), w.db, []databasetest.Guarded{
			{Name: "guard_messages", MayChange: []string{"address", "text", "state", "because", "trip", "attempts", "due_at", "leaving_at", "settled_at", "told_at"}},
			{Name: "guard_trips", MayChange: []string{"text", "asked_by", "asked_at", "counted", "expected", "decided_by", "decided_at", "outcome"}},
			{Name: "courier_relays", MayChange: []string{"ended_at", "outcome", "answer"}},
		})
	})
}
