;;; failscope.el --- Root causes of pytest failures  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages, tools
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Makes the server known to Eglot and to lsp-mode, whichever is used:
;;
;;   (add-to-list 'load-path "/path/to/editors/emacs")
;;   (require 'failscope)
;;   (add-hook 'python-base-mode-hook #'eglot-ensure)   ; Emacs 29; before: python-mode-hook
;;   ;; or: (add-hook 'python-mode-hook #'lsp)
;;
;; Eglot has one server for each buffer: with it Failscope takes the place of another Python server.  lsp-mode
;; runs Failscope beside others.

;;; Code:

(require 'subr-x)

(defgroup failscope nil
  "Root causes of pytest failures."
  :group 'tools)

(defcustom failscope-command '("failscope" "lsp")
  "The server and its arguments."
  :type '(repeat string))

(declare-function jsonrpc-request "jsonrpc")
(declare-function eglot-current-server "eglot")
(declare-function eglot-client-capabilities "eglot")
(declare-function lsp-register-client "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function lsp-activate-on "lsp-mode")
(declare-function lsp-find-workspace "lsp-mode")
(declare-function lsp-request "lsp-mode")
(declare-function make-lsp-client "lsp-mode")
(defvar eglot-server-programs)
(defvar lsp--cur-workspace)

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               `((python-mode python-ts-mode) . ,(lambda (&rest _) failscope-command))))

(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection (lambda () failscope-command))
                    :activation-fn (lsp-activate-on "python")
                    :server-id 'failscope
                    :add-on? t)))

(defun failscope--execute (command)
  "Have the server execute COMMAND; return its answer."
  (let ((params `(:command ,(concat "failscope." command) :arguments []))
        (server (and (fboundp 'eglot-current-server) (eglot-current-server)))
        (workspace (and (fboundp 'lsp-find-workspace) (lsp-find-workspace 'failscope nil))))
    (cond
     (server (jsonrpc-request server :workspace/executeCommand params :timeout 600))
     (workspace (let ((lsp--cur-workspace workspace))
                  (lsp-request "workspace/executeCommand" params)))
     (t (user-error "Failscope does not run in this buffer")))))

(defun failscope--shows-documents-p ()
  "Whether the server can have Emacs show a document by itself."
  (let ((server (and (fboundp 'eglot-current-server) (eglot-current-server))))
    (if server
        (plist-get (plist-get (eglot-client-capabilities server) :window) :showDocument)
      t)))

;;;###autoload
(defun failscope-report ()
  "Open the HTML report in the browser."
  (interactive)
  (let ((uri (failscope--execute "openReport")))
    (unless (failscope--shows-documents-p)
      (browse-url uri))))

;;;###autoload
(defun failscope-analyze ()
  "Read all test results anew."
  (interactive)
  (failscope--execute "analyze")
  (message "Failscope has read the results"))

;;;###autoload
(defun failscope-run-failed ()
  "Run again what failed last."
  (interactive)
  (failscope--execute "runFailed")
  (message "Failscope has run what failed"))

;;;###autoload
(defun failscope-clear ()
  "Show nothing until there are new results."
  (interactive)
  (failscope--execute "clear"))

(provide 'failscope)
;;; failscope.el ends here
