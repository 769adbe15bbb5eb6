package live

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// secretBytes is the length of the child's secret.
const secretBytes = 32

// keepSecret reads the secret, or makes it. It outlives the child, so that one started again
// knows the tokens of the one before; it opens nothing but the engine's port on loopback, and
// where the file is lost another is made.
func keepSecret(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		secret := strings.TrimSpace(string(raw))
		if b, err := hex.DecodeString(secret); err != nil || len(b) < secretBytes {
			return "", fmt.Errorf("%s does not hold %d bytes as hexadecimal digits: remove it, another is made", path, secretBytes)
		}
		return secret, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the key of the live classes: %w", err)
	}
	b := make([]byte, secretBytes)
	rand.Read(b)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return keepSecret(path) // another node made it meanwhile
	}
	if err != nil {
		return "", fmt.Errorf("the key of the live classes: %w", err)
	}
	secret := hex.EncodeToString(b)
	_, err = f.WriteString(secret + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("the key of the live classes: %w", err)
	}
	return secret, nil
}
