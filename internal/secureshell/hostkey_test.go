//go:build linux

package secureshell_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
)

// twoFields is a public key without its comment.
func twoFields(t *testing.T, path string) string {
	t.Helper()
	fields := strings.Fields(file(t, path))
	return fields[0] + " " + fields[1]
}

// doubted is the HostKeyError of err.
func doubted(t *testing.T, err error) *secureshell.HostKeyError {
	t.Helper()
	var doubt *secureshell.HostKeyError
	if !errors.As(err, &doubt) {
		t.Fatalf("%v is no HostKeyError", err)
	}
	if !strings.Contains(doubt.Shown, "SHA256:") {
		t.Errorf("shown: %q", doubt.Shown)
	}
	if strings.Contains(err.Error(), "StrictHostKeyChecking") || strings.Contains(err.Error(), "disable") {
		t.Errorf("%v advises against checking", err)
	}
	return doubt
}

func TestHostKeys(t *testing.T) {
	server := sshtest.Start(t)
	other := sshtest.GenerateKey(t, server.Path("other"))
	rsa := sshtest.GenerateKey(t, server.Path("rsa"), "-t", "rsa", "-b", "2048")
	ecdsa := sshtest.GenerateKey(t, server.Path("ecdsa"), "-t", "ecdsa")
	c := connections(t, server.Credentials(), secureshell.Options{})
	s := server.SSH()
	t.Run("one of several, comments and empty lines", func(t *testing.T) {
		s := s
		s.HostKey = "# ours\n\n" + twoFields(t, other+".pub") + "\n" + server.HostKey + " root@host\r\n"
		says(t, c.Machine(s), "true", nil)
	})
	for name, key := range map[string]string{"the same kind": other, "another kind": rsa} {
		t.Run("wrong, of "+name, func(t *testing.T) {
			s := s
			s.HostKey = twoFields(t, key+".pub")
			doubt := doubted(t, refusal(t, c, s, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)", "the text of that file into host_key", s.User+"@127.0.0.1:"))
			if !strings.HasPrefix(doubt.Shown, "ssh-ed25519 SHA256:") || len(doubt.Expected) != 1 || doubt.Expected[0] == doubt.Shown {
				t.Errorf("%+v", doubt)
			}
		})
	}
	t.Run("wrong, and its file is named", func(t *testing.T) {
		only := sshtest.Start(t, sshtest.Option("HostKey "+rsa), sshtest.Option("HostKeyAlgorithms rsa-sha2-512"))
		s := only.SSH()
		s.HostKey = twoFields(t, sshtest.GenerateKey(t, only.Path("another"), "-t", "rsa", "-b", "2048")+".pub")
		_ = doubted(t, refusal(t, connections(t, only.Credentials(), secureshell.Options{}), s, "ssh-keygen -lf /etc/ssh/ssh_host_rsa_key.pub)"))
	})
	t.Run("the one that is known of several", func(t *testing.T) {
		several := sshtest.Start(t, sshtest.Option("HostKey "+rsa), sshtest.Option("HostKey "+ecdsa))
		for _, key := range []string{several.HostKey, twoFields(t, rsa+".pub"), twoFields(t, ecdsa+".pub")} {
			s := several.SSH()
			s.HostKey = key
			says(t, connections(t, several.Credentials(), secureshell.Options{}).Machine(s), "true", nil)
			s.HostKey, s.KnownHosts = "", several.Path("known")
			write(t, s.KnownHosts, fmt.Sprintf("[127.0.0.1]:%d %s\n", s.Port, key))
			says(t, connections(t, several.Credentials(), secureshell.Options{}).Machine(s), "true", nil)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestHostCertificate(t *testing.T) {
	keys := t.TempDir()
	ca := sshtest.GenerateKey(t, keys+"/ca")
	stranger := sshtest.GenerateKey(t, keys+"/stranger")
	authority := "@cert-authority " + twoFields(t, ca+".pub")
	with := func(t *testing.T, arguments ...string) *sshtest.Server {
		t.Helper()
		key := sshtest.GenerateKey(t, t.TempDir()+"/certified")
		certify(t, ca, key, append([]string{"-h"}, arguments...)...)
		server := sshtest.Start(t, sshtest.Option("HostKey "+key), sshtest.Option("HostCertificate "+key+"-cert.pub"))
		server.HostKey = twoFields(t, key+".pub")
		return server
	}
	server := with(t, "-n", "127.0.0.1")
	c := connections(t, server.Credentials(), secureshell.Options{})
	t.Run("of the authority", func(t *testing.T) {
		s := server.SSH()
		s.HostKey = authority
		says(t, c.Machine(s), "true", nil)
		s.HostKey, s.KnownHosts = "", server.Path("known")
		write(t, s.KnownHosts, fmt.Sprintf("@cert-authority [127.0.0.1]:%d %s\n", s.Port, twoFields(t, ca+".pub")))
		says(t, c.Machine(s), "true", nil)
		write(t, s.KnownHosts, "@cert-authority * "+twoFields(t, ca+".pub")+"\n")
		says(t, connections(t, server.Credentials(), secureshell.Options{}).Machine(s), "true", nil)
	})
	t.Run("of another authority", func(t *testing.T) {
		s := server.SSH()
		s.HostKey = "@cert-authority " + twoFields(t, stranger+".pub")
		_ = doubted(t, refusal(t, c, s, "a certificate of the authority ssh-ed25519 SHA256:"))
		// The machine's plain key stands beside it.
		s.HostKey += "\n" + server.HostKey
		says(t, c.Machine(s), "true", nil)
	})
	t.Run("known plainly", func(t *testing.T) {
		says(t, c.Machine(server.SSH()), "true", nil)
	})
	t.Run("for another name", func(t *testing.T) {
		server := with(t, "-n", "elsewhere")
		s := server.SSH()
		s.HostKey = authority
		_ = doubted(t, refusal(t, connections(t, server.Credentials(), secureshell.Options{}), s, "its certificate is not valid", `["elsewhere"]`, "signed anew"))
		s.HostKey, s.KnownHosts = "", server.Path("known")
		write(t, s.KnownHosts, "@cert-authority * "+twoFields(t, ca+".pub")+"\n")
		_ = doubted(t, refusal(t, connections(t, server.Credentials(), secureshell.Options{}), s, "its certificate is not valid", `["elsewhere"]`))
	})
	t.Run("expired", func(t *testing.T) {
		server := with(t, "-n", "127.0.0.1", "-V", "20200101:20200102")
		s := server.SSH()
		s.HostKey = authority
		_ = doubted(t, refusal(t, connections(t, server.Credentials(), secureshell.Options{}), s, "cert has expired"))
	})
}

func TestKnownHosts(t *testing.T) {
	server := sshtest.Start(t)
	other := sshtest.GenerateKey(t, server.Path("other"))
	known := server.Path("known")
	s := server.SSH()
	s.HostKey, s.KnownHosts = "", known
	place := fmt.Sprintf("[127.0.0.1]:%d ", s.Port)
	anew := func() *secureshell.Connections { return connections(t, server.Credentials(), secureshell.Options{}) }

	write(t, known, "[10.0.0.1]:22 "+twoFields(t, other+".pub")+"\n"+place+server.HostKey+"\n")
	says(t, anew().Machine(s), "true", nil)
	sshtest.Keygen(t, "-q", "-H", "-f", known)
	if strings.Contains(file(t, known), "127.0.0.1") {
		t.Fatal("nothing is hashed")
	}
	says(t, anew().Machine(s), "true", nil)

	write(t, known, place+twoFields(t, other+".pub")+"\n")
	if doubt := doubted(t, refusal(t, anew(), s, "it is another key", known)); len(doubt.Expected) != 1 {
		t.Errorf("%+v", doubt)
	}
	// As OpenSSH has it, a name without a port stands for all ports that are not named.
	write(t, known, "127.0.0.1 "+server.HostKey+"\n")
	says(t, anew().Machine(s), "true", nil)
	write(t, known, "127.0.0.1 "+server.HostKey+"\n"+place+twoFields(t, other+".pub")+"\n")
	_ = doubted(t, refusal(t, anew(), s, "it is another key"))
	write(t, known, "127.0.0.2 "+server.HostKey+"\n")
	_ = doubted(t, refusal(t, anew(), s, "the machine is not in "+known, "none is known", "behind "+strings.TrimSpace(place), "as host_key"))
	write(t, known, place+server.HostKey+"\n@revoked * "+server.HostKey+"\n")
	_ = doubted(t, refusal(t, anew(), s, "it is revoked by "+known))
	// What cannot be read is left out, and the numbers of the others stay; but nothing that is revoked.
	foreign := "10.0.0.1 2048 65537 123456789\n10.0.0.2 ssh-new AAAAB3Nz\n[10.0.0.3] " + server.HostKey + "\n@unknown 10.0.0.4 " + server.HostKey + "\n\nwhat is this\n"
	write(t, known, foreign+place+server.HostKey+"\n"+foreign)
	says(t, anew().Machine(s), "true", nil)
	write(t, known, foreign+place+twoFields(t, other+".pub")+"\n")
	_ = doubted(t, refusal(t, anew(), s, "it is another key"))
	write(t, known, foreign+place+server.HostKey+"\n@revoked * "+server.HostKey+"\n")
	_ = doubted(t, refusal(t, anew(), s, "it is revoked by "+known))
	write(t, known, foreign+place+server.HostKey+"\n@revoked * ssh-new AAAAB3Nz\n")
	refused(t, anew(), s, "read known_hosts", "line 8 revokes")
	write(t, known, "\ufeff@revoked * "+server.HostKey+"\n"+place+server.HostKey+"\n")
	refused(t, anew(), s, "read known_hosts", "line 1 revokes")
	write(t, known, "# nothing else\nwhat is this\n")
	refused(t, anew(), s, "read known_hosts")
	s.KnownHosts = server.Path("missing")
	refused(t, anew(), s, "read known_hosts", "no such file", "as host_key", "as known_hosts")
}
