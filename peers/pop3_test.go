package peers

import (
	"crypto/tls"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mailbox speaks POP3 by hand, up to the answer to PASS.
func mailbox(t *testing.T, server *MailboxServer, kind string) *textproto.Conn {
	t.Helper()
	raw, err := net.Dial("tcp", net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())))
	if err != nil {
		t.Fatal(err)
	}
	secure := func() { raw = tls.Client(raw, &tls.Config{RootCAs: server.Roots(), ServerName: server.Host()}) }
	if kind == "tls" {
		secure()
	}
	line := textproto.NewConn(raw)
	t.Cleanup(func() { _ = line.Close() })
	if greeting, err := line.ReadLine(); err != nil || !strings.HasPrefix(greeting, "+OK") {
		t.Fatalf("greeted by %q, %v", greeting, err)
	}
	if kind == "starttls" {
		say(t, line, "STLS")
		secure()
		line = textproto.NewConn(raw)
		t.Cleanup(func() { _ = line.Close() })
	}
	say(t, line, "USER "+MailboxUser)
	say(t, line, "PASS "+MailboxPassword)
	return line
}

func say(t *testing.T, line *textproto.Conn, command string) string {
	t.Helper()
	answer, err := ask(line, command)
	if err != nil || !strings.HasPrefix(answer, "+OK") {
		t.Fatalf("%s was answered %q, %v", strings.Fields(command)[0], answer, err)
	}
	return answer
}

func ask(line *textproto.Conn, command string) (string, error) {
	if err := line.PrintfLine("%s", command); err != nil {
		return "", err
	}
	return line.ReadLine()
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "starttls", "tls"} {
		t.Run("tls "+kind, func(t *testing.T) {
			t.Parallel()
			server := POP3(t, MailboxOptions{TLS: kind})
			for _, text := range []string{"one", "two"} {
				server.Deliver(t, []byte("Subject: "+text+"\n\nbody\n"))
			}
			line := mailbox(t, server, kind)
			if answer := say(t, line, "STAT"); !strings.HasPrefix(answer, "+OK 2 ") {
				t.Errorf("STAT: %s", answer)
			}
			say(t, line, "DELE 1")
			if left := server.Left(t); len(left) != 2 {
				t.Errorf("deleted before QUIT: %q", left)
			}
			say(t, line, "QUIT")
			if left := server.Left(t); len(left) != 1 || !strings.HasPrefix(left[0], "Subject: two") {
				t.Errorf("left %q", left)
			}
			want := []string{"USER", "PASS", "STAT", "DELE", "QUIT"}
			switch kind {
			case "starttls":
				want = []string{"STLS"}
			case "tls":
				want = nil
			}
			if got := server.Commands(); !slices.Equal(got, want) {
				t.Errorf("the door saw %v, want %v", got, want)
			}
		})
	}
}

func TestMailboxFaults(t *testing.T) {
	t.Parallel()
	server := POP3(t)
	for _, text := range []string{"one", "two", "three"} {
		server.Deliver(t, []byte("Subject: "+text+"\n\nbody\n"))
	}
	for _, tc := range []struct {
		fault MailboxFault
		left  int
	}{
		{MailboxFault{At: "DELE", Nth: 2, Do: Drop}, 3},
		{MailboxFault{At: "QUIT", Do: Drop}, 3},
		{MailboxFault{At: "QUIT", Do: Drop, Late: true}, 1},
	} {
		server.Plan(tc.fault)
		line := mailbox(t, server, "")
		say(t, line, "DELE 1")
		answer, err := ask(line, "DELE 2")
		if err == nil {
			answer, err = ask(line, "QUIT")
		}
		if err == nil {
			t.Errorf("%v: answered %q", tc.fault, answer)
		}
		if n := len(server.Left(t)); n != tc.left || server.Planned() != 0 {
			t.Errorf("%v: %d messages left, want %d; %d faults", tc.fault, n, tc.left, server.Planned())
		}
	}
}
