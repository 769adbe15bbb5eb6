package peers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary start a mail server and wait to be killed, see
// TestServerDiesWithItsStarter.
func TestMain(m *testing.M) {
	if os.Getenv("PEERS_START_AND_WAIT") != "" {
		server, err := StartMailServer(MailServerOptions{})
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(server.Addr() + "\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const sample = "From: a@school.example\r\nTo: b@family.example\r\nSubject: =?utf-8?q?L=C3=A9a?=\r\n" +
	"Message-ID: <1@school.example>\r\nContent-Transfer-Encoding: base64\r\n\r\nw6l0w6k=\r\n"

// TestMailServer talks to the server with the standard library's client.
func TestMailServer(t *testing.T) {
	t.Parallel()
	server := SMTP(t)
	send := func(to string) error {
		return smtp.SendMail(server.Addr(), nil, "bounce@school.example", []string{to}, []byte(sample))
	}
	if err := send("b@family.example"); err != nil {
		t.Fatal(err)
	}
	server.Plan(Fault{At: AtRcpt, Do: Refuse, Code: 550, Text: "nobody", To: "c@family.example", Times: Always},
		Fault{At: AtAnswer, Do: Drop})
	for range 2 {
		if err := send("c@family.example"); err == nil || !strings.HasPrefix(err.Error(), "550") {
			t.Errorf("planned refusal gave %v", err)
		}
	}
	if err := send("b@family.example"); !errors.Is(err, io.EOF) {
		t.Errorf("planned end gave %v", err)
	}
	if err := send("b@family.example"); err != nil {
		t.Errorf("the fault was for once: %v", err)
	}

	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	all, err := server.Wait(soon, 3)
	if err != nil {
		t.Fatal(err)
	}
	var answered []int
	for _, m := range all {
		if m.Err != nil || m.From != "bounce@school.example" || !slices.Equal(m.To, []string{"b@family.example"}) ||
			m.Subject != "Léa" || m.Text != "été" || m.MessageID() != "<1@school.example>" || m.Secure || m.Username != "" {
			t.Errorf("read %+v", m)
		}
		answered = append(answered, m.Answered)
	}
	if !slices.Equal(answered, []int{250, 0, 250}) {
		t.Errorf("answered %v", answered)
	}
	if server.Faulted(AtRcpt) != 2 || server.Faulted(AtAnswer) != 1 || server.Connections() != 5 {
		t.Errorf("%d refused, %d dropped, %d connections", server.Faulted(AtRcpt), server.Faulted(AtAnswer), server.Connections())
	}

	// What was read stays readable after the end.
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Messages()); n != 3 {
		t.Errorf("%d letters after the end", n)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := SMTP(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("waited to the end with %v", err)
	}
}

// TestServerDiesWithItsStarter: a test that is killed leaves no server behind.
func TestServerDiesWithItsStarter(t *testing.T) {
	t.Parallel()
	starter := exec.Command(os.Args[0])
	starter.Env = append(os.Environ(), "PEERS_START_AND_WAIT=1")
	stdin, err := starter.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := starter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	greeting := make([]byte, 3)
	if _, err := io.ReadFull(conn, greeting); err != nil || string(greeting) != "220" {
		t.Fatalf("greeting %q: %v", greeting, err)
	}
	if err := starter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = starter.Wait()
	// The connection ends when the server does, and not before.
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server was still there 10 s after its starter was killed")
	}
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	if _, err := StartMailServer(MailServerOptions{TLS: "ssl"}); err == nil {
		t.Error("TLS: ssl was accepted")
	}
}
