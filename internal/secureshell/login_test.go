//go:build linux

package secureshell_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// authorize has the server take the key beside path too.
func authorize(t *testing.T, s *sshtest.Server, path string) {
	t.Helper()
	text := file(t, s.Path("authorized_keys")) + file(t, path+".pub")
	if err := os.WriteFile(s.Path("authorized_keys"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeysOfAllKinds(t *testing.T) {
	server := sshtest.Start(t)
	for name, arguments := range map[string][]string{
		"rsa": {"-t", "rsa", "-b", "2048"}, "ecdsa": {"-t", "ecdsa"}, "ed25519": nil,
		"rsa in PEM": {"-t", "rsa", "-m", "PEM"}, "ecdsa in PKCS8": {"-t", "ecdsa", "-m", "PKCS8"},
	} {
		t.Run(name, func(t *testing.T) {
			key := sshtest.GenerateKey(t, server.Path(strings.ReplaceAll(name, " ", "_")+"_key"), arguments...)
			authorize(t, server, key)
			m := connections(t, sshtest.Credentials{sshtest.KeyName: file(t, key)}, secureshell.Options{}).Machine(server.SSH())
			if got := says(t, m, "echo in", nil); got != "in\n" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestKeyWithAPassphrase(t *testing.T) {
	server := sshtest.Start(t)
	secret := "correct horse"
	for _, kind := range [][]string{{"-t", "ed25519"}, {"-t", "rsa", "-b", "2048", "-m", "PEM"}} {
		key := server.Path("locked_" + kind[1])
		sshtest.Keygen(t, append([]string{"-q", "-N", secret, "-f", key}, kind...)...)
		authorize(t, server, key)
		credentials := sshtest.Credentials{"locked": file(t, key), "phrase": secret, "other": "battery staple"}
		c := connections(t, credentials, secureshell.Options{})
		s := server.SSH()
		s.PrivateKey, s.Passphrase = "locked", "phrase"
		if got := says(t, c.Machine(s), "echo in", nil); got != "in\n" {
			t.Errorf("%q", got)
		}
		s.Passphrase = ""
		refused(t, c, s, `credential "locked" is encrypted`, "set passphrase")
		s.Passphrase = "other"
		if err := refusal(t, c, s, `the passphrase in credential "other" is not that of the private key in credential "locked"`); strings.Contains(err.Error(), "staple") {
			t.Errorf("holds the secret: %v", err)
		}
		s.Passphrase = "missing"
		refused(t, c, s, `there is no credential "missing"`)
	}
}

func TestKeyWithOtherLineEnds(t *testing.T) {
	server := sshtest.Start(t)
	secret := "correct horse"
	// A PEM file with a passphrase has lines of headers too.
	pem := server.Path("pem")
	sshtest.Keygen(t, "-q", "-N", secret, "-f", pem, "-t", "rsa", "-b", "2048", "-m", "PEM")
	authorize(t, server, pem)
	s := server.SSH()
	s.Passphrase = "phrase"
	for kind, key := range map[string]string{"OpenSSH": server.Key, "PEM": file(t, pem)} {
		for name, text := range map[string]string{
			"CRLF": strings.ReplaceAll(key, "\n", "\r\n"), "no last line break": strings.TrimSpace(key), "space around": "\n\n  " + key + "\n\n",
			"a mark of the order of bytes": "\ufeff" + key, "indented": "    " + strings.ReplaceAll(key, "\n", "\n    "),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				c := connections(t, sshtest.Credentials{sshtest.KeyName: text, "phrase": secret + "\n"}, secureshell.Options{})
				if got := says(t, c.Machine(s), "echo in", nil); got != "in\n" {
					t.Errorf("%q", got)
				}
			})
		}
	}
}

// ssh-keygen reads what openssl wrote, and writes what can be read.
func TestKeyInEncryptedPKCS8(t *testing.T) {
	server := sshtest.Start(t)
	secret := "correct horse"
	key := server.Path("pkcs8")
	sshtest.Keygen(t, "-q", "-N", secret, "-f", key, "-t", "ecdsa", "-m", "PKCS8")
	authorize(t, server, key)
	s := server.SSH()
	s.Passphrase = "phrase"
	given := func() *secureshell.Connections {
		return connections(t, sshtest.Credentials{sshtest.KeyName: file(t, key), "phrase": secret}, secureshell.Options{})
	}
	refused(t, given(), s, `credential "machine_key"`, "encrypted PKCS#8", "ssh-keygen -p -f KEY")
	sshtest.Keygen(t, "-q", "-p", "-f", key, "-P", secret, "-N", secret)
	if got := says(t, given().Machine(s), "echo in", nil); got != "in\n" {
		t.Errorf("%q", got)
	}
}

// ssh-keygen encrypts with another cipher when it is told to, and with its own when it changes a passphrase.
func TestKeyWithAnotherCipher(t *testing.T) {
	server := sshtest.Start(t)
	secret := "correct horse"
	key := server.Path("chacha")
	sshtest.Keygen(t, "-q", "-N", secret, "-f", key, "-t", "ed25519", "-Z", "chacha20-poly1305@openssh.com")
	authorize(t, server, key)
	s := server.SSH()
	s.Passphrase = "phrase"
	given := func() *secureshell.Connections {
		return connections(t, sshtest.Credentials{sshtest.KeyName: file(t, key), "phrase": secret}, secureshell.Options{})
	}
	refused(t, given(), s, `credential "machine_key" is encrypted in a way that is not understood`, "ssh-keygen -p -f KEY")
	sshtest.Keygen(t, "-q", "-p", "-f", key, "-P", secret, "-N", secret)
	if got := says(t, given().Machine(s), "echo in", nil); got != "in\n" {
		t.Errorf("%q", got)
	}
}

func TestWhatIsNoPrivateKey(t *testing.T) {
	server := sshtest.Start(t)
	for text, words := range map[string]string{
		"":                                  "it is empty",
		file(t, server.Path("key.pub")):     "it is a public key",
		"~/.ssh/id_ed25519":                 "not its path",
		"PuTTY-User-Key-File-3: ssh-rsa":    "puttygen",
		server.Key[:len(server.Key)/2]:      "all of its lines",
		server.Key[:100] + server.Key[150:]: "OpenSSH or PEM",
		// What variables of CI systems make of it.
		strings.ReplaceAll(server.Key, "\n", " "):  "line breaks",
		strings.ReplaceAll(server.Key, "\n", `\n`): "line breaks",
	} {
		c := connections(t, sshtest.Credentials{sshtest.KeyName: text}, secureshell.Options{})
		err := refusal(t, c, server.SSH(), `credential "machine_key"`, words)
		if len(text) > 30 && strings.Contains(err.Error(), text[len(text)-30:]) {
			t.Errorf("holds the secret: %v", err)
		}
	}
	refused(t, connections(t, sshtest.Credentials{}, secureshell.Options{}), server.SSH(), `there is no credential "machine_key"`)
}

func TestKeyThatIsNotAllowed(t *testing.T) {
	server := sshtest.Start(t)
	key := sshtest.GenerateKey(t, server.Path("stranger"))
	c := connections(t, sshtest.Credentials{sshtest.KeyName: file(t, key)}, secureshell.Options{})
	refused(t, c, server.SSH(), "does not accept the key SHA256:", `credential "machine_key"`, "authorized_keys")
}

// startAgent runs an agent with keys and returns its socket.
func startAgent(t *testing.T, directory string, keys ...string) string {
	t.Helper()
	program, err := exec.LookPath("ssh-agent")
	if err != nil {
		t.Skip("ssh-agent is missing: apt-get install openssh-client")
	}
	socket := directory + "/agent"
	agent := exec.CommandContext(t.Context(), program, "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	until(t, func() bool { _, err := os.Stat(socket); return err == nil })
	for _, key := range keys {
		add := exec.CommandContext(t.Context(), "ssh-add", "-q", key)
		add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %v\n%s", err, out)
		}
	}
	return socket
}

func byAgent(s *sshtest.Server) service.SSH {
	out := s.SSH()
	out.PrivateKey, out.Agent = "", true
	return out
}

func TestAgent(t *testing.T) {
	server := sshtest.Start(t)
	other := sshtest.GenerateKey(t, server.Path("other"))
	t.Setenv("SSH_AUTH_SOCK", startAgent(t, server.Directory, other, server.Path("key")))
	if got := says(t, connections(t, nil, secureshell.Options{}).Machine(byAgent(server)), "echo in", nil); got != "in\n" {
		t.Errorf("%q", got)
	}
}

func TestAgentWithMoreKeysThanAreTried(t *testing.T) {
	server := sshtest.Start(t, "MaxAuthTries 2")
	keys := []string{}
	for i := range 4 {
		keys = append(keys, sshtest.GenerateKey(t, server.Path(fmt.Sprint("key", i))))
	}
	t.Setenv("SSH_AUTH_SOCK", startAgent(t, server.Directory, append(keys, server.Path("key"))...))
	refused(t, connections(t, nil, secureshell.Options{}), byAgent(server), "MaxAuthTries", "fewer keys")
}

func TestAgentThatDoesNotHelp(t *testing.T) {
	server := sshtest.Start(t)
	t.Setenv("SSH_AUTH_SOCK", "")
	refused(t, connections(t, nil, secureshell.Options{}), byAgent(server), "SSH_AUTH_SOCK is not set")
	t.Setenv("SSH_AUTH_SOCK", server.Path("nothing"))
	refused(t, connections(t, nil, secureshell.Options{}), byAgent(server), "is it running?")
	t.Setenv("SSH_AUTH_SOCK", startAgent(t, server.Directory))
	refused(t, connections(t, nil, secureshell.Options{}), byAgent(server), "has no keys", "ssh-add")
	s := service.SSH{Address: server.Address, Port: server.Port, User: server.User, HostKey: server.HostKey}
	refused(t, connections(t, nil, secureshell.Options{}), s, "nothing to log in with")
}

// An agent that does not answer, such as one that waits for a person, holds up nobody who leaves.
func TestAgentThatWaits(t *testing.T) {
	server := sshtest.Start(t)
	asked := make(chan struct{}, 1)
	agent := listen(t, "unix", server.Path("agent"), func(c net.Conn) {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
	})
	s := byAgent(server)
	s.ConnectTimeout = service.Duration(time.Hour)
	c := secureshell.New(nil, secureshell.Options{AgentSocket: agent.Addr().String()})
	ended := make(chan error, 1)
	go func() {
		_, err := c.Machine(s).Run(bounded(t), "true", nil)
		ended <- err
	}()
	<-asked
	closed := make(chan struct{})
	go func() {
		_ = c.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(patience / 2):
		t.Fatal("it waits for the agent")
	}
	if err := <-ended; !errors.Is(err, secureshell.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	s.ConnectTimeout = service.Duration(100 * time.Millisecond)
	refused(t, connections(t, nil, secureshell.Options{AgentSocket: agent.Addr().String()}), s, "ask the agent", "connect_timeout")
}

// certify signs the public key beside path with ca and returns the certificate.
func certify(t *testing.T, ca, path string, arguments ...string) string {
	t.Helper()
	sshtest.Keygen(t, append(append([]string{"-q", "-s", ca, "-I", "deployer"}, arguments...), path+".pub")...)
	return file(t, path+"-cert.pub")
}

func TestCertificate(t *testing.T) {
	server := sshtest.Start(t, "TrustedUserCAKeys DIRECTORY/ca.pub")
	ca := sshtest.GenerateKey(t, server.Path("ca"))
	key := sshtest.GenerateKey(t, server.Path("certified"), "-t", "rsa", "-b", "2048")
	stranger := sshtest.GenerateKey(t, server.Path("stranger"))
	credentials := sshtest.Credentials{sshtest.KeyName: file(t, key)}
	good := certify(t, ca, key, "-n", server.User)
	t.Run("with the key", func(t *testing.T) {
		s := server.SSH()
		s.Certificate = good
		if got := says(t, connections(t, credentials, secureshell.Options{}).Machine(s), "echo in", nil); got != "in\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("with the agent", func(t *testing.T) {
		// An agent that is given a key takes the certificate beside it too, and has to be asked with ours all the same.
		t.Setenv("SSH_AUTH_SOCK", startAgent(t, server.Directory, stranger, key))
		s := byAgent(server)
		s.Certificate = good
		if got := says(t, connections(t, nil, secureshell.Options{}).Machine(s), "echo in", nil); got != "in\n" {
			t.Errorf("%q", got)
		}
	})
	for name, c := range map[string]struct {
		certificate string
		words       []string
	}{
		"of another key":   {certify(t, ca, stranger, "-n", server.User), []string{`the certificate "deployer" is for the key SHA256:`, "belong together"}},
		"expired":          {certify(t, ca, key, "-n", server.User, "-V", "20200101:20200102"), []string{"expired at 2020-01-0", "signed anew"}},
		"not yet valid":    {certify(t, ca, key, "-n", server.User, "-V", "20990101:20990102"), []string{"is not valid before 2098-12-31", "clocks"}},
		"of somebody else": {certify(t, ca, key, "-n", "somebody"), []string{`does not accept the certificate "deployer" for ["somebody"]`, "TrustedUserCAKeys"}},
		"of a host":        {certify(t, ca, key, "-h", "-n", "host"), []string{"is that of a host"}},
		"a plain key":      {file(t, key+".pub"), []string{"is a plain public key"}},
		"no key":           {"nonsense", []string{"cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "not yet valid" {
				c.words[0] = "is not valid before 20"
			}
			s := server.SSH()
			s.Certificate = c.certificate
			refused(t, connections(t, credentials, secureshell.Options{}), s, c.words...)
		})
	}
}

func TestNobodyIsThere(t *testing.T) {
	server := sshtest.Start(t)
	server.Stop()
	refused(t, connections(t, server.Credentials(), secureshell.Options{}), server.SSH(), fmt.Sprintf("connect to %s@127.0.0.1:%d", server.User, server.Port), "refused")
	var host *secureshell.HostKeyError
	if err := refusal(t, connections(t, server.Credentials(), secureshell.Options{}), server.SSH()); errors.As(err, &host) {
		t.Errorf("%v is about the host key", err)
	}
}
