package nspawn

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// User may log in to each machine beside root; a systemd manager of the user's own runs from boot on.
const User = "deploy"

// userID is what .ci/machines gave to User.
const userID = 1000

// key is a pair in the forms of OpenSSH: private is PEM, public a line without its end.
type key struct{ private, public string }

func newKey() (key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key{}, fmt.Errorf("make a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return key{}, fmt.Errorf("write a key: %w", err)
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		return key{}, fmt.Errorf("write a key: %w", err)
	}
	return key{string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line)))}, nil
}

// seed writes below directory what a machine has beside the tree: its name, its keys, and who may log in.
func (h *Host) seed(directory, sudoers string) error {
	host, err := newKey()
	if err != nil {
		return err
	}
	user, err := newKey()
	if err != nil {
		return err
	}
	h.HostKey, h.Key = host.public, user.private
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return fmt.Errorf("make a machine's id: %w", err)
	}
	sshd := fmt.Sprintf("ListenAddress %s:%d\nHostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n", h.Address, h.Port)
	files := []struct {
		path, content string
		mode          os.FileMode
	}{
		{"etc/machine-id", hex.EncodeToString(id) + "\n", 0o444},
		{"etc/hostname", h.Name + "\n", 0o644},
		{"etc/hosts", "127.0.0.1 localhost\n" + h.Address + " " + h.Name + "\n", 0o644},
		{"etc/ssh/sshd_config.d/machine.conf", sshd, 0o644},
		{"etc/ssh/ssh_host_ed25519_key", host.private, 0o600},
		{"etc/ssh/ssh_host_ed25519_key.pub", host.public + "\n", 0o644},
		{"etc/sudoers.d/machine", sudoers, 0o440},
		{"root/.ssh/authorized_keys", user.public + "\n", 0o600},
		{"home/" + User + "/.ssh/authorized_keys", user.public + "\n", 0o600},
	}
	// Directories of the tree keep the modes that they have there.
	private := map[string]os.FileMode{"etc/sudoers.d": 0o750, "root": 0o700, "root/.ssh": 0o700, "home/" + User: 0o700, "home/" + User + "/.ssh": 0o700}
	for _, f := range files {
		at := directory
		for _, part := range strings.Split(filepath.Dir(f.path), "/") {
			at = filepath.Join(at, part)
			inside := strings.TrimPrefix(at, directory+"/")
			mode, special := private[inside]
			if !special {
				mode = 0o755
			}
			if err := os.MkdirAll(at, mode); err != nil {
				return fmt.Errorf("prepare machine %s: %w", h.Name, err)
			}
			if err := own(at, inside, mode); err != nil {
				return fmt.Errorf("prepare machine %s: %w", h.Name, err)
			}
		}
		full := filepath.Join(directory, f.path)
		if err := os.WriteFile(full, []byte(f.content), f.mode); err != nil {
			return fmt.Errorf("prepare machine %s: %w", h.Name, err)
		}
		if err := own(full, f.path, f.mode); err != nil {
			return fmt.Errorf("prepare machine %s: %w", h.Name, err)
		}
	}
	return nil
}

// own gives a file its mode, whatever the umask is, and its owner.
func own(full, inside string, mode os.FileMode) error {
	if err := os.Chmod(full, mode); err != nil {
		return err
	}
	if strings.HasPrefix(inside+"/", "home/"+User+"/") {
		return os.Chown(full, userID, userID)
	}
	return nil
}
