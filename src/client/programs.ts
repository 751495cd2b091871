/** Every FTP client the lab can run, by the name scenarios use. Its bundle is `dist/client-<name>.js`. */
export const CLIENT_PROGRAMS = ['basic-ftp'] as const;
export type ClientProgram = (typeof CLIENT_PROGRAMS)[number];
