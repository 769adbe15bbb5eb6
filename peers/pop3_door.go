package peers

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
)

// Plan adds what will go wrong from now on.
func (s *MailboxServer) Plan(faults ...MailboxFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Planned counts the faults that have not been played yet, so that a test can say that
// its plan was not idle.
func (s *MailboxServer) Planned() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults)
}

// Commands lists the commands that clients have sent so far, without their arguments,
// up to the moment when they encrypt.
func (s *MailboxServer) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// answerTheDoor passes each connection on until the door is closed.
func (s *MailboxServer) answerTheDoor() {
	for {
		client, err := s.door.Accept()
		if err != nil {
			return
		}
		s.conns.Go(func() { s.pass(client) })
	}
}

// keep remembers an open connection, or closes it when the server is closing.
func (s *MailboxServer) keep(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
	}
	s.open[conn] = true
}

func (s *MailboxServer) forget(conns ...net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(s.open, conn)
	}
}

// pass carries one conversation, line by line from the client, and plays the faults.
func (s *MailboxServer) pass(client net.Conn) {
	s.keep(client)
	server, err := net.Dial("tcp", s.inside)
	if err != nil {
		s.forget(client)
		return
	}
	s.keep(server)
	muted := make(chan struct{})
	var back sync.WaitGroup
	back.Go(func() {
		defer client.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := server.Read(buffer)
			select {
			case <-muted:
				return // the answer is lost
			default:
			}
			if n > 0 {
				if _, err := client.Write(buffer[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	defer func() {
		s.forget(client, server)
		back.Wait()
	}()

	lines := bufio.NewReader(client)
	for s.tls != "tls" {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		fault, found := s.met(verb)
		if found && fault.Late {
			close(muted)
		}
		if !found || fault.Late {
			if _, err := io.WriteString(server, line); err != nil {
				return
			}
		}
		switch {
		case found && fault.Do == Drop && fault.Late:
			back.Wait() // the server has answered, to nobody
			return
		case found && fault.Do == Drop:
			return
		case found:
			_, _ = io.Copy(io.Discard, lines) // until the client has had enough
			return
		}
		if verb == "STLS" {
			break
		}
	}
	_, _ = io.Copy(server, lines)
}

// met writes a command down and returns the fault that it meets, which is then over.
func (s *MailboxServer) met(verb string) (MailboxFault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, verb)
	for i := range s.faults {
		if s.faults[i].At != verb {
			continue
		}
		if s.faults[i].Nth > 1 {
			s.faults[i].Nth--
			continue
		}
		found := s.faults[i]
		s.faults = slices.Delete(s.faults, i, i+1)
		return found, true
	}
	return MailboxFault{}, false
}
