package drill

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
)

// bareMAC is how many bytes of signature a ticket has.
const bareMAC = 16

// Bare is the server that waiting-page compares the door with: net/http with one handler,
// which checks a ticket's signature, or signs one for whoever has none, and answers always the
// same bytes. It reads what from in, and says on out where it listens.
func Bare(ctx context.Context, in io.Reader, out io.Writer) error {
	var a bareAnswer
	if err := json.NewDecoder(in).Decode(&a); err != nil {
		return err
	}
	size, err := ticketBytes(a.Cookie.Value)
	if err != nil {
		return err
	}
	key := make([]byte, 32)
	rand.Read(key)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	if _, err := fmt.Fprintln(out, ln.Addr()); err != nil {
		return err
	}
	body := []byte(a.Body)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, values := range a.Header {
			h[name] = values
		}
		if k, err := r.Cookie(a.Cookie.Name); err != nil || !signed(key, k.Value, size) {
			c := a.Cookie
			c.Value = sign(key, size)
			http.SetCookie(w, &c)
		}
		_, _ = w.Write(body)
	})}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func sign(key []byte, size int) string {
	b := make([]byte, size, size+sha256.Size)
	rand.Read(b[size-8:])
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return base64.RawURLEncoding.EncodeToString(m.Sum(b)[:size+bareMAC])
}

func signed(key []byte, value string, size int) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(b) != size+bareMAC {
		return false
	}
	m := hmac.New(sha256.New, key)
	m.Write(b[:size])
	return hmac.Equal(m.Sum(nil)[:bareMAC], b[size:])
}
