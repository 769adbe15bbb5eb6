package drill

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// waitingPage measures what the door's answers cost: requests for each second of processor of
// the server, in alternating rounds of one run, for somebody who comes (a ticket is given)
// and somebody who looks again (it is checked), against a bare server of the same language
// that answers the same bytes after the same signature, and nginx with the same bytes in a
// file where it is installed.
func waitingPage(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	h, err := r.crowdOf(ctx, 300)
	if err != nil {
		return err
	}
	if err := h.start(ctx, h.clock(h.town.Tuesday, "08:06")); err != nil {
		return err
	}
	ours := &server{name: "the door", at: h.prog.addr(), pid: h.prog.cmd.Process.Pid}
	sample, ticket, size, err := ours.sample(ctx)
	if err != nil {
		return err
	}
	bare, err := r.bareServer(ctx, sample, ticket)
	if err != nil {
		return err
	}
	defer bare.stop()
	nginx, err := nginxServer(ctx, h.owns, sample.Body)
	if err != nil {
		return err
	}
	if nginx != nil {
		defer nginx.stop()
	} else {
		r.say("person", "nginx is not installed here: nothing is measured against it")
	}
	rounds, length := 5, 2*time.Second
	if r.options.Scale < 0.2 {
		rounds, length = 3, time.Second/2
	}
	if r.options.quick {
		rounds, length = 1, 100*time.Millisecond
	}
	r.say("fault", "%d connections ask without a pause, %d rounds of %.1f s each", askers, rounds, length.Seconds())
	var page, poll, toNginx, oursPage, oursPoll []float64
	for range rounds {
		a, err := ours.round(ctx, length, false)
		if err != nil {
			return err
		}
		b, err := bare.round(ctx, length, false)
		if err != nil {
			return err
		}
		c, err := ours.round(ctx, length, true)
		if err != nil {
			return err
		}
		d, err := bare.round(ctx, length, true)
		if err != nil {
			return err
		}
		page, poll, oursPage, oursPoll = append(page, a/b), append(poll, c/d), append(oursPage, a), append(oursPoll, c)
		if nginx != nil {
			e, err := nginx.round(ctx, length, false)
			if err != nil {
				return err
			}
			toNginx = append(toNginx, min(a, c)/e)
		}
	}
	r.say("sent", "for each second of processor %.0f people who come, and %.0f who look again", median(oursPage), median(oursPoll))
	r.atMost("waiting_page_bytes", float64(size), 4096)
	r.share("waiting_page_ratio_to_bare", median(page), 0.9)
	r.share("poll_ratio_to_bare", median(poll), 0.9)
	if nginx != nil {
		r.share("ratio_to_nginx", median(toNginx), 0.25)
	}
	r.figure("waiting_pages_per_cpu_s", median(oursPage))
	r.figure("polls_per_cpu_s", median(oursPoll))
	r.figure("other_answers", float64(ours.others.Load()))
	r.is("errors", int(ours.failed.Load()), 0)
	if least := min(ours.least, bare.least); least < leastCPU {
		r.nothing("a round took %.2f s of processor, too few to divide by", least.Seconds())
	}
	memory, err := peak(ours.pid)
	if err != nil {
		return err
	}
	r.figure("rss_max_mib", memory)
	return h.stop()
}

// leastCPU is twenty of the ticks by which Linux counts.
const leastCPU = 200 * time.Millisecond

func median(of []float64) float64 {
	sorted := slices.Clone(of)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// askers are the connections that ask without a pause.
const askers = 64

// server is one of those compared.
type server struct {
	name           string
	at             string
	pid            int
	cmd            *exec.Cmd
	least          time.Duration // processor of the shortest round
	others, failed atomic.Int64  // answers that were no waiting page; none
}

func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *server) browser() *browser {
	return &browser{at: s.at, jar: map[string]string{}, link: &traffic{}}
}

// bareAnswer is what the bare server answers.
type bareAnswer struct {
	Header http.Header
	Cookie http.Cookie // that of a newcomer, with a value of the same length
	Body   string
}

// sample makes the door full and takes what it answers: whole, with its ticket, and how many
// bytes it is on the wire.
func (s *server) sample(ctx context.Context) (a bareAnswer, ticket string, size int64, err error) {
	for range 2_000 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.at+"/sign-in", nil)
		if err != nil {
			return a, "", 0, err
		}
		req.Header.Set("Accept-Language", "fr")
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return a, "", 0, err
		}
		var body strings.Builder
		_, err = bufio.NewReader(res.Body).WriteTo(&body)
		res.Body.Close()
		if err != nil {
			return a, "", 0, err
		}
		for _, k := range res.Cookies() {
			if !strings.HasSuffix(k.Name, "-line") {
				continue
			}
			a = bareAnswer{Header: res.Header.Clone(), Cookie: *k, Body: body.String()}
			a.Header.Del("Set-Cookie")
			a.Header.Del("Date")
			b := s.browser()
			defer b.close()
			if _, err := b.ask(ctx, http.MethodGet, "/sign-in", nil); err != nil {
				return a, "", 0, err
			}
			return a, k.Value, b.link.down.Load(), nil
		}
	}
	return a, "", 0, errors.New("two thousand came and nobody had to wait: the door gives no tickets")
}

// round asks for a time, and gives the answers for each second of the server's processor.
// again: of people who have a ticket, who take a new one from time to time, so that their
// turn does not come.
func (s *server) round(ctx context.Context, length time.Duration, again bool) (float64, error) {
	s.ask(ctx, length/4, false) // somebody always waits
	before, err := cpu(s.pid)
	if err != nil {
		return 0, err
	}
	n := s.ask(ctx, length, again)
	after, err := cpu(s.pid)
	if err != nil {
		return 0, err
	}
	used := after - before
	if s.least == 0 || used < s.least {
		s.least = used
	}
	return float64(n) / max(used, time.Millisecond).Seconds(), ctx.Err()
}

// freshTicket is after how many looks somebody takes a new place.
const freshTicket = 200

func (s *server) ask(ctx context.Context, length time.Duration, again bool) int64 {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var n atomic.Int64
	var all sync.WaitGroup
	for range askers {
		all.Go(func() {
			b := s.browser()
			defer b.close()
			for i := 0; ctx.Err() == nil; i++ {
				if !again || i%freshTicket == 0 {
					clear(b.jar)
				}
				a, err := b.ask(ctx, http.MethodGet, "/sign-in", nil)
				switch {
				case ctx.Err() != nil:
				case err != nil || a.status != http.StatusOK:
					s.failed.Add(1)
				case !strings.Contains(a.text, `http-equiv="refresh"`):
					s.others.Add(1)
					clear(b.jar)
				}
				n.Add(1)
			}
		})
	}
	all.Wait()
	return n.Load()
}

// cpu is the processor's time that a process has used.
func cpu(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, errors.New("the processor's time of the program cannot be read")
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2) // Linux counts in hundredths
}

// bareServer starts the bare server on the program's core.
func (r *replay) bareServer(ctx context.Context, a bareAnswer, ticket string) (*server, error) {
	a.Cookie.Value = ticket
	b, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", "0", r.options.Program, "bare")
	cmd.Env = append(environment(os.TempDir()), "GOMAXPROCS=1")
	cmd.Stdin = strings.NewReader(string(b))
	return listening(cmd, "the bare server")
}

// listening starts a server that says in its first line where it listens.
func listening(cmd *exec.Cmd, name string) (*server, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line := bufio.NewScanner(out)
	if !line.Scan() {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, fmt.Errorf("%s did not start", name)
	}
	return &server{name: name, at: line.Text(), pid: cmd.Process.Pid, cmd: cmd}, nil
}

// nginxServer starts nginx with a file of the same bytes; nil: it is not installed.
func nginxServer(ctx context.Context, folder, body string) (*server, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path = "/usr/sbin/nginx"; !there(path) {
			return nil, nil
		}
	}
	folder = filepath.Join(folder, "nginx")
	if err := os.MkdirAll(filepath.Join(folder, "pages"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "pages", "page.html"), []byte(body), 0o644); err != nil {
		return nil, err
	}
	at, err := freePort()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/log;
events { worker_connections 1024; }
http { access_log off; sendfile on; open_file_cache max=8; keepalive_requests 1000000000; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
server { listen %[2]s; root %[1]s/pages; default_type "text/html; charset=utf-8"; add_header Cache-Control no-store; location / { try_files /page.html =404; } } }
`, folder, at)
	file := filepath.Join(folder, "conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", "0", path, "-p", folder, "-c", file)
	cmd.Env = environment(folder)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{name: "nginx", at: at, pid: cmd.Process.Pid, cmd: cmd}
	for range 100 {
		b := s.browser()
		_, err = b.ask(ctx, http.MethodGet, "/sign-in", nil)
		b.close()
		if err == nil {
			return s, nil
		}
		if err := rest(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
	s.stop()
	return nil, fmt.Errorf("nginx does not answer: %w", err)
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ticketBytes is how many bytes of a ticket are signed; the rest is the signature.
func ticketBytes(value string) (int, error) {
	b, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(b) <= bareMAC {
		return 0, errors.New("the door's ticket is not what the bare server knows how to sign")
	}
	return len(b) - bareMAC, nil
}
