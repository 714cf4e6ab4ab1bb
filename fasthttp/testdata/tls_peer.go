// Both sides of Go's crypto/tls for tls_peer_test.cc.
//
//	tls_peer serve CERT KEY [CLIENT_CA]    prints its address and serves until it is killed
//	tls_peer ask ROOTS HOST:PORT [CERT KEY]  says what it got, twice, on connections of their own
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func pool(file string) *x509.CertPool {
	pem, err := os.ReadFile(file)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots
}

func serve(arguments []string) {
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d %x %v %d %s", r.Method, len(body), r.TLS.Version, r.TLS.DidResume,
			len(r.TLS.PeerCertificates), r.TLS.ServerName)
	})
	http.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("0123456789", 300000))
	})
	http.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, "closed")
	})
	certificate, err := tls.LoadX509KeyPair(arguments[0], arguments[1])
	must(err)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if len(arguments) > 2 {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = pool(arguments[2])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("listening on %s\n", listener.Addr())
	server := http.Server{TLSConfig: config}
	fmt.Println(server.ServeTLS(listener, "", ""))
}

func ask(arguments []string) {
	config := &tls.Config{RootCAs: pool(arguments[0]), ServerName: "localhost",
		ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	if len(arguments) > 2 {
		certificate, err := tls.LoadX509KeyPair(arguments[2], arguments[3])
		must(err)
		config.Certificates = []tls.Certificate{certificate}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config.MaxVersion = version
		for i := 0; i < 2; i++ {
			transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
			client := http.Client{Transport: transport}
			response, err := client.Post("https://"+arguments[1]+"/", "text/plain",
				strings.NewReader(strings.Repeat("x", 1000000)))
			if err != nil {
				fmt.Println("error", err)
				continue
			}
			body, err := io.ReadAll(response.Body)
			fmt.Printf("%x %v %s %v\n", response.TLS.Version, response.TLS.DidResume, body, err)
		}
	}
}

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2:])
	} else {
		ask(os.Args[2:])
	}
}
